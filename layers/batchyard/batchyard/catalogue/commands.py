"""What the operator's command does with the catalogue's reference data, and with products that nobody else removes."""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from batchyard.catalogue import operations, reference, tally

type Register = Callable[[str, Callable[[argparse.Namespace], None], str], argparse.ArgumentParser]
"""Makes a command of a name, of what it runs, and of what it is for."""


def register(command: Register) -> None:
    """Makes the commands for products, regions, collections, sales channels and distribution centres."""
    made = command("create-region", _create_region, "makes a region, for which variants can have prices of its own")
    made.add_argument("name")
    made.add_argument("currency", help="ISO 4217 code")
    made = command("create-collection", _create_collection, "makes a collection of products and shows its ID")
    made.add_argument("handle")
    made.add_argument("title")
    made = command("create-sales-channel", _create_sales_channel, "makes a sales channel and shows its ID")
    made.add_argument("name")
    made.add_argument("--description")
    made = command("create-distribution-centre", _create_centre, "makes a distribution centre; 0 is always there")
    made.add_argument("id", type=int)
    made.add_argument("name")
    for name, every, plural in (
        ("list-regions", reference.regions, "regions"),
        ("list-collections", reference.collections, "collections"),
        ("list-sales-channels", reference.sales_channels, "sales channels"),
        ("list-distribution-centres", reference.centres, "distribution centres"),
    ):
        command(name, _list(every), f"lists {plural}, one JSON object a line")
    command("recount-catalogue", _recount, "counts the catalogue's entities anew and repairs their tally")
    made = command("delete-product", _delete_product, "removes a product, also one whose contents are lost, for good")
    made.add_argument("id", help="its ID, prod_…")
    made = command("delete-region", _delete_region, "removes a region that no product has a price for")
    made.add_argument("name")
    made = command("delete-collection", _delete_collection, "removes a collection that no product is in")
    made.add_argument("handle")
    made = command("delete-sales-channel", _delete_sales_channel, "removes a sales channel that no product is sold in")
    made.add_argument("id", help="its ID, sc_…")
    made = command("delete-distribution-centre", _delete_centre, "removes a distribution centre without stock")
    made.add_argument("id", type=int)


def _recount(_: argparse.Namespace) -> None:
    print(json.dumps({"repaired": tally.recount()}))


def _create_region(options: argparse.Namespace) -> None:
    print(reference.create_region(options.name, options.currency).name)


def _create_collection(options: argparse.Namespace) -> None:
    print(reference.create_collection(options.handle, options.title).id)


def _create_sales_channel(options: argparse.Namespace) -> None:
    print(reference.create_sales_channel(options.name, options.description).id)


def _create_centre(options: argparse.Namespace) -> None:
    print(reference.create_centre(options.id, options.name).id)


def _list(every: Callable[[], Sequence[Any]]) -> Callable[[argparse.Namespace], None]:
    def run(_: argparse.Namespace) -> None:
        for one in every():
            print(json.dumps(asdict(one)))

    return run


def _delete_product(options: argparse.Namespace) -> None:
    operations.remove(options.id)
    print(f"{options.id} deleted")


def _delete_region(options: argparse.Namespace) -> None:
    reference.delete_region(options.name)
    print(f"{options.name} deleted")


def _delete_collection(options: argparse.Namespace) -> None:
    reference.delete_collection(options.handle)
    print(f"{options.handle} deleted")


def _delete_sales_channel(options: argparse.Namespace) -> None:
    reference.delete_sales_channel(options.id)
    print(f"{options.id} deleted")


def _delete_centre(options: argparse.Namespace) -> None:
    reference.delete_centre(options.id)
    print(f"{options.id} deleted")
