"""`python -m tools.demo`: play the loads, check everything, show it. See `--help`."""

import argparse
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

from rich.console import Console

from batchyard import operator
from batchyard.catalogue import reference
from tools import catalogue, environment, marketplace
from tools.consoles import console
from tools.demo import checks, report
from tools.demo.batch import play_batch
from tools.demo.client import Client, Differs, Unreachable, comparing
from tools.demo.entities import play_entities
from tools.demo.goods import play_goods
from tools.demo.imports import play_imports
from tools.demo.lot import play_lot
from tools.demo.person import Person
from tools.demo.play import Played, play
from tools.marketplace import Marketplace

_NAMES = ("BASE_URL", "TOKEN", "CHANNEL_ID")
_DIFFERS, _NOT_READY, _INTERRUPTED = 1, 2, 130


def main() -> int:
    arguments = _arguments()
    out, errors = console(), console(stderr=True)
    values = environment.values(_NAMES)
    if missing := [name for name in _NAMES if not values.get(name)]:
        errors.print(
            f"{' and '.join(missing)} missing: set them, or start the local stack, which writes {environment.FILE}",
            soft_wrap=True,
        )
        return _NOT_READY
    client = Client(values["BASE_URL"], values["TOKEN"], int(values["CHANNEL_ID"]))
    try:
        if arguments.stack:
            operator.enter(arguments.stack)
        shop = marketplace.make(seed=arguments.seed, products=arguments.products)
        _demonstrate(out, client, shop, arguments)
    except Differs as difference:
        errors.print(f"Not as it must be: {difference}", soft_wrap=True)
        return _DIFFERS
    except Unreachable as error:
        errors.print(f"No answer: {error}", soft_wrap=True)
        return _NOT_READY
    except KeyboardInterrupt:
        errors.print("Stopped; what was loaded so far stays.")
        return _INTERRUPTED
    finally:
        client.close()
    return 0


def _demonstrate(out: Console, client: Client, shop: Marketplace, arguments: argparse.Namespace) -> None:
    started = time.monotonic()
    with comparing("before the first load"):
        report.introduce(out, shop, client, client.get(f"/api/v1/channels/{client.channel_id}/")["name"])
        before = checks.count(client)
    played = _play(out, client, shop, arguments.workers)
    with comparing("many requests in one call"):
        report.batched(out, play_batch(client, max(shop.loads, key=lambda load: len(load.rows))))
    with comparing("a production batch and its serials"):
        lot = play_lot(client)
        report.made_lot(out, lot)
    with comparing("a product by OData"):
        report.changed_product(out, play_entities(client, in_file=bool(arguments.stack)))
    if arguments.stack:
        with comparing("the catalogue as a file"):
            _export(out, client, arguments.goods)
        with comparing("files that are imported"):
            _import(out, client, arguments.imports)
    out.print("Every load is as it must be; now lists, counts and the rules of the house.")
    with comparing("lists, counts and the rules of the house"):
        _verify(client, played, before)
    report.summarize(out, played, client.answered, time.monotonic() - started)
    report.invite(out, client, played)
    report.show_code(out, client, lot)


def _play(out: Console, client: Client, shop: Marketplace, workers: int) -> list[Played]:
    played: list[Played] = []
    # The longest first, so that the others run beside it and not before it.
    loads = sorted(shop.loads, key=lambda load: len(load.rows), reverse=True)
    with report.progress(out, len(loads)) as advance, ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(play, client, load) for load in loads]
        try:
            for future in as_completed(futures):
                played.append(future.result())
                advance(played[-1], sum(client.answered.values()))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    return played


def _export(out: Console, client: Client, count: int) -> None:
    with report.making(out, count):
        made = catalogue.provide(count)
    channels = {channel.id: channel for channel in reference.sales_channels()}
    with report.working(out) as watch:
        exported = play_goods(client, made, channels, watch)
    report.exported(out, exported)


def _import(out: Console, client: Client, count: int) -> None:
    report.begin_imports(out)
    channels = {channel.id: channel for channel in reference.sales_channels()}
    report.imported(out, play_imports(Person(out), client, count, channels))


def _verify(client: Client, played: list[Played], before: int) -> None:
    checks.verify_newest(client, played)
    for query in (
        [("status", "done"), ("content_type", "price")],
        [("status", "fail")],
        [("status", "commit")],
        [("content_type", "stock")],
    ):
        if matching := [one for one in played if all(one.answer[name] == value for name, value in query)]:
            checks.verify_newest(client, matching, query=query, limit=10)
    checks.verify_open(client, played)
    checks.verify_last_modified_first(client)
    checks.verify_house_rules(client)
    checks.verify_count(client, before + len(played))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tools.demo",
        description="Plays a shop's loads through the running API, checks every answer, leaves with 1 if any differs.",
        epilog=f"BASE_URL, TOKEN and CHANNEL_ID come from the environment, else from {environment.FILE}.",
    )
    parser.add_argument("--seed", type=int, default=1, help="another seed is another shop (default 1)")
    parser.add_argument("--products", type=_at_least_one, default=4_000, help="how many products it has (default 4000)")
    parser.add_argument(
        "--stack",
        help="the stack behind the API, whose catalogue is filled; without it nothing is exported or imported",
    )
    parser.add_argument(
        "--goods", type=_at_least_one, default=2_000, help="how many products its catalogue gets (default 2000)"
    )
    parser.add_argument(
        "--imports", type=_at_least_one, default=1_000, help="how many products are imported (default 1000)"
    )
    parser.add_argument("--workers", type=_at_least_one, default=4, help="how many loads run at once (default 4)")
    return parser.parse_args()


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
