"""Calls to the store and consumed capacity of imports, of taking them back, and of `product-delete`."""

from __future__ import annotations

from tests.benchmarks.product_import.files import MATCH, OTHERWISE, PRODUCTS, VARIANTS, file_of
from tests.benchmarks.product_import.store import Written, store
from tests.benchmarks.report import Line, Result, number, ratio
from tests.benchmarks.wire import Calls

TEN_TIMES = 10 * PRODUCTS


def costs() -> tuple[dict[str, Calls], dict[str, Written]]:
    """What jobs on a thousand products cost, and on ten thousand."""
    new, other = file_of(PRODUCTS), file_of(PRODUCTS, titles=OTHERWISE)
    with store() as client:
        made = client.imported("create", new, PRODUCTS)
        client.imported("the same file again", new, PRODUCTS, **MATCH)
        changed = client.imported("update", other, PRODUCTS, **MATCH)
        client.undone("undo of the update", changed)
        removed = client.deleted("product-delete", PRODUCTS)
        client.undone("undo of product-delete", removed)
        client.undone("undo of the creation", made)
        many = client.imported(f"create {TEN_TIMES:,}", file_of(TEN_TIMES), TEN_TIMES)
        client.undone(f"undo of the creation of {TEN_TIMES:,}", many)
        return client.spent, client.written


def of_the_store() -> Result:
    """Calls and capacity a product."""
    spent, written = costs()
    counts = {name: TEN_TIMES if f"{TEN_TIMES:,}" in name else PRODUCTS for name in spent}
    grown = [
        ("create", f"create {TEN_TIMES:,}"),
        ("undo of the creation", f"undo of the creation of {TEN_TIMES:,}"),
    ]
    return Result(
        f"Store calls and consumed capacity of jobs on {PRODUCTS:,} products of {VARIANTS} variants",
        [
            *("job", "calls", "calls a product", "read units a product"),
            *("items in transactions, a product", "their write units in DynamoDB"),
        ],
        [
            [
                name,
                str(cost),
                number(len(cost) / counts[name], 3),
                number(cost.reads / counts[name], 2),
                number(written[name].items / counts[name], 2),
                number(written[name].units / counts[name], 2),
            ]
            for name, cost in spent.items()
        ],
        notes=[
            "The whole job, its own steps included. Read units are what DynamoDB Local counts. Write units are computed"
            " from what is sent, as DynamoDB takes two for each kB of each item in a transaction; those of indexes are"
            " not in them, and an item that is deleted counts as one of 1 kB."
        ],
        lines=[
            *(
                Line(
                    f"Store calls · write units a product: {name}",
                    f"{number(len(spent[name]) / PRODUCTS, 3)} · {number(written[name].units / PRODUCTS, 1)}",
                    "",
                    "",
                )
                for name in ("create", "update", "the same file again", "undo of the update", "product-delete")
            ),
            *(
                Line(
                    f"Store calls of the same, of {TEN_TIMES:,} products: {name}",
                    number(len(spent[large])),
                    f"{number(len(spent[name]))}, of {PRODUCTS:,}",
                    ratio(len(spent[large]) / len(spent[name])),
                    number(TEN_TIMES / PRODUCTS),
                )
                for name, large in grown
            ),
        ],
    )
