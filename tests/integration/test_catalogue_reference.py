"""What products refer to, as the operator makes, lists and removes it; and currencies."""

import io
import json
from dataclasses import replace

import pytest

from batchyard import operator
from batchyard.catalogue import currencies, reference, repository
from batchyard.catalogue.rules import Product
from batchyard.errors import Conflict, NotFound
from batchyard.store.unit import transact
from tests.support.catalogue import product

pytestmark = pytest.mark.usefixtures("stores")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> "Run":
    monkeypatch.setattr("sys.stdin", io.StringIO())
    return Run(capsys)


class Run:
    """Runs commands."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str, status: int = 0) -> str:
        """What a command prints; where it fails, to standard error."""
        assert operator.main(arguments) == status
        printed = self._capsys.readouterr()
        assert (printed.err if status == 0 else printed.out) == ""
        return printed.out if status == 0 else printed.err


def listed(printed: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in printed.splitlines()]


def put(one: Product, stock: dict[int, dict[int, int]] | None = None) -> Product:
    return transact(lambda unit: repository.put(unit, one, repository.get(unit, one.id), stock))


def test_a_region_is_made_listed_and_removed_unless_a_price_is_for_it(run: Run) -> None:
    assert run("create-region", "North America", "USD") == "North America\n"
    assert run("create-region", "Europa", "eur") == "Europa\n"
    assert listed(run("list-regions")) == [
        {"name": "Europa", "currency": "eur"},
        {"name": "North America", "currency": "usd"},
    ]
    assert run("create-region", "Europa", "gbp", status=1) == "batchyard: There is a region Europa.\n"
    assert "no currency" in run("create-region", "Moon", "xxx", status=1)
    one = put(product("boots", "A"))
    refused = run("delete-region", "North America", status=1)
    assert refused == "batchyard: The region North America is in use, by the product boots.\n"
    put(replace(one, variants=(), updated=one.updated + 1))
    assert run("delete-region", "North America") == "North America deleted\n"
    assert reference.regions() == [reference.Region("Europa", "eur")]
    assert "There is no region" in run("delete-region", "North America", status=1)


def test_a_collection_is_made_listed_and_removed_unless_a_product_is_in_it(run: Run) -> None:
    made = run("create-collection", "winter", "Winter wear").strip()
    assert made.startswith("pcol_")
    assert listed(run("list-collections")) == [{"id": made, "handle": "winter", "title": "Winter wear"}]
    run("create-collection", "winter", "Other", status=1)
    one = put(product("boots", "A", fields={"collection": "winter"}))
    assert "by the product boots" in run("delete-collection", "winter", status=1)
    put(replace(one, fields={}, updated=one.updated + 1))
    run("delete-collection", "winter")
    assert reference.collections() == []


def test_a_sales_channel_is_made_listed_and_removed_unless_a_product_is_sold_in_it(run: Run) -> None:
    made = run("create-sales-channel", "Web shop", "--description", "All of it").strip()
    other = run("create-sales-channel", "Fairs").strip()
    assert (
        listed(run("list-sales-channels"))
        == [
            {"id": made, "name": "Web shop", "description": "All of it"},
            {"id": other, "name": "Fairs", "description": None},
        ]
        or reference.sales_channels()[0].id == other
    )
    run("create-sales-channel", "Fairs", status=1)
    one = put(product("boots", "A", sales_channels=(made,)))
    assert "by the product boots" in run("delete-sales-channel", made, status=1)
    run("delete-sales-channel", other)
    put(replace(one, sales_channels=(), updated=one.updated + 1))
    run("delete-sales-channel", made)
    assert reference.sales_channels() == []


def test_centre_0_is_there_from_the_start_and_others_stay_while_they_hold_stock(run: Run) -> None:
    assert listed(run("list-distribution-centres")) == [{"id": 0, "name": "Default"}]
    run("create-distribution-centre", "0", "West", status=1)
    run("delete-distribution-centre", "0", status=1)
    assert run("create-distribution-centre", "10", "North") == "10\n"
    assert run("create-distribution-centre", "7", "East") == "7\n"
    assert [centre.id for centre in reference.centres()] == [0, 7, 10]
    assert "number up to" in run("create-distribution-centre", "2147483648", "Far", status=1)
    one = put(product("boots", "A"))
    [id] = one.entities
    put(one, {id: {7: 3, 10: 0}})
    assert f"by the product {one.id}" in run("delete-distribution-centre", "7", status=1)
    run("delete-distribution-centre", "10")
    assert [centre.id for centre in reference.centres()] == [0, 7]


@pytest.mark.parametrize("name", ["", "  ", "x" * 256, "a\nb"])
def test_a_name_of_reference_data_has_1_to_255_printed_characters(run: Run, name: str) -> None:
    for command in (("create-region", name, "eur"), ("create-collection", name, "x"), ("create-sales-channel", name)):
        assert "1 to 255 characters" in run(*command, status=1)


def test_a_missing_sales_channel_and_an_existing_centre_are_refused() -> None:
    with pytest.raises(NotFound):
        reference.delete_sales_channel("sc_none")
    reference.create_centre(5, "Five")
    with pytest.raises(Conflict):
        reference.create_centre(5, "Cinq")


def test_currencies_have_the_digits_of_iso_4217() -> None:
    found = {code: currencies.digits(code) for code in ("EUR", "jpy", "KWD", "clf", "xxx", "xau", "nope", "")}
    assert found == {
        "EUR": 2,
        "jpy": 0,
        "KWD": 3,
        "clf": 4,
        "xxx": None,
        "xau": None,
        "nope": None,
        "": None,
    }
