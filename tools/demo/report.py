"""What the demonstration shows: a bar while it runs, tables and things to try when it is through."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from batchyard.gs1.symbols import Symbol, qr_code
from tools.demo.batch import OPENED
from tools.demo.client import Client
from tools.demo.entities import Entities
from tools.demo.goods import Exported, Watch
from tools.demo.imports import FOLDER, Imported
from tools.demo.lot import COLLECTION, MORE, SERIALS, Lot
from tools.demo.play import Played
from tools.marketplace import Marketplace

_STATUSES = ("initialized", "commit", "sent_to_remote", "ongoing", "done", "fail")
_LINES = 8


class Advance(Protocol):
    def __call__(self, played: Played, requests: int) -> None: ...


def introduce(out: Console, shop: Marketplace, client: Client, channel: str) -> None:
    out.print(
        f"{len(shop.products):,} products with {len(shop.stocks):,} stocks and {len(shop.prices):,} prices, "
        f"in {len(shop.loads)} loads to the channel {channel} at {client.base_url}",
        soft_wrap=True,
    )


@contextmanager
def progress(out: Console, loads: int) -> Iterator[Advance]:
    """A live bar on a terminal, a few plain lines elsewhere."""
    if out.is_terminal:
        with _bar(out, loads) as advance:
            yield advance
        return
    done = objects = 0
    every = max(1, loads // _LINES)

    def advance_in_lines(played: Played, requests: int) -> None:
        nonlocal done, objects
        done += 1
        objects += _size(played)
        if done % every == 0 or done == loads:
            out.print(f"  {done} of {loads} loads, {objects:,} objects, {requests:,} requests")

    yield advance_in_lines


@contextmanager
def _bar(out: Console, loads: int) -> Iterator[Advance]:
    columns = (
        SpinnerColumn(),
        TextColumn("loads"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("{task.fields[objects]:,} objects · {task.fields[requests]:,} requests"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=out, expand=True) as bar:
        task = bar.add_task("loads", total=loads, objects=0, requests=0)
        objects = 0

        def advance(played: Played, requests: int) -> None:
            nonlocal objects
            objects += _size(played)
            bar.update(task, advance=1, objects=objects, requests=requests)

        yield advance


@contextmanager
def making(out: Console, count: int) -> Iterator[None]:
    """Shows that a catalogue is made."""
    with out.status(f"a catalogue of {count:,} products"):
        yield


@contextmanager
def working(out: Console) -> Iterator[Watch]:
    """A live bar of a job's progress on a terminal; nothing elsewhere."""
    columns = (
        SpinnerColumn(),
        TextColumn("export"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("products"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=out, expand=True, transient=True, disable=not out.is_terminal) as bar:
        task = bar.add_task("export", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def exported(out: Console, goods: Exported) -> None:
    """What the exports of the catalogue showed."""
    others = f", {goods.all - goods.products:,} others in it" if goods.all > goods.products else ""
    out.print(
        f"The catalogue's {goods.products:,} products with {goods.variants:,} variants as a file of "
        f"{goods.size / 1e6:.1f} MB after {goods.seconds:.1f} s, each row as it was made{others}; and the {goods.some} "
        "of a filter, once they were confirmed."
    )


def begin_imports(out: Console) -> None:
    """What comes now is another program's."""
    out.print("\nFiles become products, as a merchant with a spreadsheet does it:")


def imported(out: Console, goods: Imported) -> None:
    """What the imports showed."""
    out.print(
        f"\nA file of {goods.products:,} products in {goods.rows:,} rows was uploaded, checked, shown and imported in "
        f"{goods.seconds:.1f} s. Before, each of {goods.mistakes} mistakes was told by its line and column. An "
        "export that is imported again changes nothing, and the catalogue after both were undone is the same byte for "
        f"byte ({goods.size / 1e6:.1f} MB). The files are in {FOLDER}.\n"
    )


def batched(out: Console, requests: int) -> None:
    """What the calls of many requests showed."""
    out.print(
        f"{requests} requests in 3 calls of $batch: a change set that opened and filled {OPENED} batch requests, one "
        "that was refused and left nothing, and the removal of what the first had made."
    )


def made_lot(out: Console, lot: Lot) -> None:
    """What a production batch showed."""
    out.print(
        f"The production batch {lot.id}: {SERIALS:,} serials and {MORE} more later, pages of them and their whole list "
        "as CSV, one looked up in an odd spelling, half of them decommissioned and taken back."
    )


def changed_product(out: Console, entities: Entities) -> None:
    """What a product of the entity sets showed."""
    out.print(
        f"The product {entities.sku}, made by OData as Products({entities.id}): its title, an attribute, its stock and "
        f"a batch request in one change set of {entities.requests}; found by a filter, seen in an export, and removed."
    )


def show_code(out: Console, client: Client, lot: Lot) -> None:
    """A serial of a production batch as a QR code to scan, and what its code is good for."""
    out.print(f"\nOne item of {lot.id}, its serial {lot.code} as a GS1 Digital Link to scan:\n")
    # Light on dark, whatever the terminal's own colours are: not every reader takes it the other way round.
    out.print(_in_half_blocks(qr_code(lot.link)), style="bright_white on black")
    lines = [
        lot.link,
        "",
        f"  curl '{client.url(f'/public/collection/{COLLECTION}/verifySN/{lot.code}')}'",
        f"  curl -H \"Authorization: Bearer $TOKEN\" '{client.url(f'{lot.path}/lookupSN/{lot.code.lower()}')}'",
        f"  curl -H \"X-API-Key: $TOKEN\" '{client.url(f'{lot.path}/sheet?count=24')}' > sheet.svg",
    ]
    for line in lines:
        out.print(line, soft_wrap=True)


def summarize(out: Console, played: Sequence[Played], answered: Mapping[tuple[str, str], int], seconds: float) -> None:
    out.print()
    out.print(_loads(played))
    out.print(_objects(played))
    out.print(_requests(answered))
    out.print(
        f"{len(played)} loads and all checks in {seconds:.0f} s. Against the local stack that is an emulator and this "
        "client on one machine:\nno measure of what the service takes on AWS."
    )


def _in_half_blocks(symbol: Symbol, border: int = 2) -> str:
    """A symbol in characters of two modules, one above the other, each a block where it is light."""
    light = bytes([255])
    rows = [light * border + modules + light * border for modules in symbol.rows]
    space = [light * len(rows[0])] * border
    rows = [*space, *rows, *space]
    if len(rows) % 2:
        rows.append(bytes(len(rows[0])))
    glyphs = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
    return "\n".join(
        "".join(glyphs[upper != 0, lower != 0] for upper, lower in zip(*pair, strict=True))
        for pair in zip(rows[::2], rows[1::2], strict=True)
    )


def _loads(played: Sequence[Played]) -> Table:
    table = Table("status", title="Loads", title_justify="left")
    table.add_column("loads", justify="right")
    table.add_column("objects", justify="right")
    table.add_column("with a log", justify="right")
    for status in _STATUSES:
        ones = [one for one in played if one.answer["status"] == status]
        logs = sum(one.has_log for one in ones)
        table.add_row(status, f"{len(ones):,}", f"{sum(map(_size, ones)):,}", f"{logs:,}")
    return table


def _objects(played: Sequence[Played]) -> Table:
    table = Table("outcome", title="Objects", title_justify="left")
    table.add_column("objects", justify="right")
    table.add_column("share", justify="right")
    outcomes: Counter[str] = Counter()
    for one in played:
        for entry in one.answer["objects"] or ():
            if entry["failed_reason_type"]:
                outcomes[f"refused: {entry['failed_reason_type']}"] += 1
            else:
                outcomes["accepted" if entry["remote_id"] else "not answered"] += 1
    for outcome, objects in outcomes.most_common():
        table.add_row(outcome, f"{objects:,}", f"{objects / outcomes.total():.1%}")
    return table


def _requests(answered: Mapping[tuple[str, str], int]) -> Table:
    table = Table("request", "answers", title="Requests, besides those of tools.jobs", title_justify="left")
    table.add_column("all", justify="right")
    by_request: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for (request, answer), times in sorted(answered.items()):
        by_request[request][answer] = times
    for request, answers in by_request.items():
        told = ", ".join(f"{answer}: {times:,}" for answer, times in answers.items())
        table.add_row(request, told, f"{sum(answers.values()):,}")
    table.add_section()
    table.add_row("", "", f"{sum(answered.values()):,}")
    return table


def invite(out: Console, client: Client, played: Sequence[Played]) -> None:
    """Addresses to open and lines to paste; they name the token's variable, never the token."""
    batches = client.url(client.batch_requests)
    # A small one: answers go to a terminal.
    finished = min((one for one in played if one.has_log), key=_size, default=None)
    lines = ["", "Open:", f"  {client.url('/docs')}", f"  {client.url('/openapi.json')}", "", "Try:"]
    if client.is_local:
        lines.append("  . .local/stack.env")
    auth = '-H "Authorization: Token $TOKEN"'
    lines.append(f"  curl {auth} '{batches}?status=sent_to_remote&status=ongoing&limit=5'")
    if finished is not None:
        one = f"{batches}{finished.answer['pk']}/"
        lines += [f"  curl {auth} '{one}'", f"  curl {auth} -L --compressed '{one}log_file/'"]
    lines.append(
        f"  curl {auth} -H 'Content-Type: application/json' -d '{{\"channel\": {client.channel_id}}}' '{batches}'"
    )
    # Rich would wrap what must be pasted as it is.
    for line in lines:
        out.print(line, soft_wrap=True)


def _size(played: Played) -> int:
    return len(played.answer["objects"] or ())
