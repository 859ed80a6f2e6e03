"""OData's URLs: what is read of them, and which have no place in a batch."""

import string
from typing import Any
from urllib.parse import quote, unquote
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchyard.errors import Malformed
from batchyard.odata.urls import Segment, parse

GUID = "a3f0c9d2-1B4e-4c6a-8d2f-0123456789ab"


@pytest.mark.parametrize(
    ("path", "segments"),
    [
        ("", []),
        ("Products", [Segment("Products")]),
        ("Products/", [Segment("Products")]),
        ("Products()", [Segment("Products")]),
        ("Products(1)", [Segment("Products", {"": 1})]),
        ("Products(-1)", [Segment("Products", {"": -1})]),
        ("Products(ID=1)", [Segment("Products", {"ID": 1})]),
        ("Products( ID = 1 )", [Segment("Products", {"ID": 1})]),
        ("Products('1')", [Segment("Products", {"": "1"})]),
        (f"Products({GUID})", [Segment("Products", {"": UUID(GUID)})]),
        (f"Products(guid'{GUID}')", [Segment("Products", {"": UUID(GUID)})]),
        (f"Products(ID={GUID} , Name='{GUID}')", [Segment("Products", {"ID": UUID(GUID), "Name": GUID})]),
        ("Products('')", [Segment("Products", {"": ""})]),
        (
            "AttributeValues(ProductID=1, Name='it''s')",
            [Segment("AttributeValues", {"ProductID": 1, "Name": "it's"})],
        ),
        (
            "AttributeValues(Name='a,b=c)/(d',ProductID=1)",
            [Segment("AttributeValues", {"Name": "a,b=c)/(d", "ProductID": 1})],
        ),
        ("Labels('''')", [Segment("Labels", {"": "'"})]),
        ("Labels('Größe 😀')", [Segment("Labels", {"": "Größe 😀"})]),
        ("Products(1)/Attributes('N')", [Segment("Products", {"": 1}), Segment("Attributes", {"": "N"})]),
        ("Products(1)//Attributes('N')/", [Segment("Products", {"": 1}), Segment("Attributes", {"": "N"})]),
        ("Products(1)/UpdateQuantity", [Segment("Products", {"": 1}), Segment("UpdateQuantity")]),
        ("Products/$count", [Segment("Products"), Segment("$count")]),
        ("$metadata", [Segment("$metadata")]),
        ("$batch", [Segment("$batch")]),
        ("Products(1)/Default.UpdateQuantity", [Segment("Products", {"": 1}), Segment("Default.UpdateQuantity")]),
    ],
)
def test_paths_of_odata_urls(path: str, segments: list[Segment]) -> None:
    assert parse(path) == segments
    assert parse(unquote(quote(path))) == segments
    assert parse(unquote(quote(path, safe=""))) == segments


@pytest.mark.parametrize(
    "path",
    [
        "/Products",
        "Pro ducts",
        "Products (1)",
        "Products(1",
        "Products1)",
        "Products(1))",
        "Products(1)x",
        "Products(1)(2)",
        "Products((1))",
        "Products(,)",
        "Products(1,)",
        "Products(1,,2)",
        "Products(1,2)",
        "Products(ID=1,2)",
        f"Products({GUID}0)",
        f"Products({GUID[:-1]})",
        "Products(guid'1')",
        "Products(1,ID=2)",
        "Products(ID=1,ID=2)",
        "Products(ID=)",
        "Products(=1)",
        "Products( )",
        "Products(abc)",
        "Products(1.5)",
        "Products(" + "9" * 20 + ")",
        "Products('a)",
        "Products(a')",
        "Products('a''b)",
        'Products("a")',
        "1Products",
        "Products%281%29",
        "(1)",
        "'Products'",
        "$",
        "$$batch",
        "Products\n(1)",
        "Products/ ",
        "Products?x",
    ],
)
def test_malformed_odata_paths(path: str) -> None:
    with pytest.raises(Malformed):
        parse(path)


def test_keys_in_odata_urls() -> None:
    assert Segment("Products", {"": 1}).key_of("ID") == (1,)
    assert Segment("Products", {"ID": 1}).key_of("ID") == (1,)
    assert Segment("Images", {"PlacementName": "P", "ProductID": 1}).key_of("ProductID", "PlacementName") == (1, "P")
    wrongs: list[dict[str, Any]] = [{}, {"Id": 1}, {"ID": 1, "X": 2}]
    for wrong in wrongs:
        with pytest.raises(Malformed, match=r"The key of Products is \(ID\)\."):
            Segment("Products", wrong).key_of("ID")
    with pytest.raises(Malformed):
        Segment("Images", {"": 1}).key_of("ProductID", "PlacementName")


_NAMES = st.text(string.ascii_letters + "_", min_size=1, max_size=8)
_VALUES = st.integers(-(10**18), 10**18) | st.text(max_size=8) | st.uuids()
_KEYS = st.dictionaries(_NAMES, _VALUES, max_size=3) | _VALUES.map(lambda value: {"": value})


@given(st.lists(st.builds(Segment, _NAMES, _KEYS), max_size=4))
def test_written_odata_paths_are_read(segments: list[Segment]) -> None:
    assert parse("/".join(map(str, segments))) == segments


@given(st.text() | st.lists(st.sampled_from([*"()',=/ $1a-", "''", "Products", "ID"])).map("".join))
def test_any_odata_path_is_read_or_refused(path: str) -> None:
    try:
        segments = parse(path)
    except Malformed:
        return
    assert parse("/".join(map(str, segments))) == segments


def test_hostile_keys_take_time_by_their_length_alone() -> None:
    for hostile in ("Products('" + "''" * 100_000, "Products(" + "'a'" * 100_000, "Products(" + " " * 100_000 + "x)"):
        with pytest.raises(Malformed):
            parse(hostile)
