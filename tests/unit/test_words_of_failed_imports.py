"""What people read when an import fails: for each mistake what is wrong, and what to do about it, in their words.

The errors are those that the file really has; none of their words is copied here.
"""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.imports import Catalogue
from tools.jobs import hints
from tools.jobs.job import Job

TITLES = "Product Handle;Product Title;Variant SKU;Price EUR\r\n"
STORED = TITLES + "shirt;Shirt;S-1;1.00\r\nsock;Sock;K-1;2.00\r\n"
MATCH = {"match": "handle"}
MAPPING = {"Artikel": "Product Handle"}


def read(content: str | bytes, context: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """What is wrong with a file, and what to do, as the client tells it."""
    catalogue = Catalogue()
    assert catalogue.load(STORED.encode()).errors == []
    outcome = catalogue.load(content.encode() if isinstance(content, str) else content, context)
    assert outcome.status == "failed"
    errors = [error._asdict() for error in outcome.errors]
    answer = {"id": "b", "type": "product-import", "status": "failed", "context": context, "result": {"errors": errors}}
    job = Job(answer)
    return [hints.plain(error["message"]) for error in job.errors], list(hints.hints(job))


@pytest.mark.parametrize(
    ("content", "context", "told", "hint"),
    [
        (TITLES + ";A;A;1\r\n", {}, "Product Handle is empty", "rows of one handle are the variants of one product"),
        (TITLES + "shirt;A;A;1\r\n", {}, "There is a product shirt already", "--match handle"),
        (TITLES + "cap;A;S-1;1\r\n", {}, "already belongs to another product (shirt)", "give this variant another one"),
        (TITLES + "cap;A;S-1;1\r\n", MATCH, "already belongs to another", "give this variant another one"),
        (TITLES + "a;A;A;1\r\nb;B;A;1\r\n", {}, "is already in line 1 (product a)", "give this variant another one"),
        (TITLES + "a;A;A;1;2;3\r\n", {}, "6 cells found for 4 columns", "the separator in it must stand in quotes"),
        (TITLES + 'a;"A"x;A;1\r\n', {}, "Text follows the closing quote", "each of its own comes twice"),
        (TITLES + 'a;"A;A;1\r\n', {}, "A quote is never closed", "each of its own comes twice"),
        ("Product Handle;Product Weight\r\na;1 kg\r\n", {}, "1 kg is no number", "digits without a unit"),
        ("Product Handle;Sales Channel 1 Name\r\na;X\r\n", {}, "with name: X was not found", "must be there before"),
        ("Product Handle;Price X [EUR]\r\na;1\r\n", {}, "There is no region X", "its column removed"),
        # ISO 4217's code where there is no currency.
        ("Product Handle;Price XXX\r\na;1\r\n", {}, "There is no currency XXX", ""),
        (
            *("Product Handle;Price North America [EUR]\r\na;1\r\n", {}),
            *("The region North America has prices in USD, not in EUR", ""),
        ),
        ("Product Handle;Product Id\r\na;prod_x\r\n", {}, "id: prod_x was not found", "remove these columns"),
        ("Product Handle;Variant Id\r\na;variant_x\r\n", {}, "variant_x was not found", "remove these columns"),
        (TITLES + "a;A;A;1\r\n", {"encoding": "utf-16"}, "The file is not text in UTF-16", "Leave --encoding out"),
        (
            *((TITLES + "a;5 €;A;1\r\n").encode("cp1252"), {"encoding": "iso-8859-1"}),
            *("A control character of ISO-8859-1 at position", "--encoding cp1252"),
        ),
        (
            *("Artikel;X\r\na;b\r\n", {"mapping": {**MAPPING, "X": "Colour"}}),
            *("The mapping names Colour, which is no column of ours", "Correct the file of --mapping"),
        ),
        (
            *("Artikel\r\na\r\n", {"mapping": {**MAPPING, "X": None}}),
            *("The mapping names X, which the file has not", "Correct the file of --mapping"),
        ),
        (
            *("Handle,Title\r\na,A\r\n", {"dialect": "shopify", "currency": "xxx"}),
            *("--currency must be a code of ISO 4217", ""),
        ),
    ],
)
def test_errors_of_an_import_have_a_hint(
    content: str | bytes, context: Mapping[str, Any], told: str, hint: str
) -> None:
    messages, advice = read(content, context)
    assert any(told in message for message in messages)
    assert not [words for words in (*messages, *advice) if "context." in words or "csv file" in words]
    assert hint in "\n".join(advice)
    assert bool(advice) == bool(hint)


def test_suggestions_stand_beside_what_is_wrong() -> None:
    outcome = Catalogue().load(b"Product Handle;Price eur;Colour\r\na;1;red\r\n")
    assert [hints.told(error._asdict()) for error in outcome.errors] == [
        "The column Price eur is not known → Price EUR",
        "The column Colour is not known",
    ]


def test_the_hint_for_existing_products_is_not_to_change_skus() -> None:
    _, advice = read(STORED, {})
    assert advice == ["If these products are to be changed, not added, import with --match handle."]
