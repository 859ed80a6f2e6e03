"""Pages of entity sets: by whatever key and in whatever order, over all pages, each entity once."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchyard.errors import Malformed
from batchyard.odata import lists, planning
from batchyard.odata.lists import Token
from batchyard.odata.model import DATE_TIME, INT32, STRING, EntitySet, EntityType, Model, Navigation, Property
from batchyard.odata.places import Places
from batchyard.odata.query import evaluation
from batchyard.odata.query.options import Options, parse_options
from batchyard.odata.sets import Lookup, Membership, NextPositions, Position, Range, Readable, Row, listed
from batchyard.store import positions

_LABEL = EntityType("Label", ("ThingID", "Name"), (Property("ThingID", INT32), Property("Name", STRING)))
_THING = EntityType(
    "Thing",
    ("ID",),
    (Property("ID", INT32), Property("Sku", STRING), Property("Title", STRING), Property("Updated", DATE_TIME)),
    (Navigation("Labels", "Label"),),
)
_MODEL = Model("Tests", (), (), (EntitySet("Things", _THING), EntitySet("Labels", _LABEL)), ())


class _World:
    """Things with labels, the keys that find them, and how many of them were read."""

    def __init__(self, things: Sequence[Mapping[str, Any]]) -> None:
        self.things: dict[int, Row] = {int(one["ID"]): one for one in things}
        self.read = 0

    def rows(self, ids: Sequence[int]) -> Callable[[int], Sequence[Row]]:
        self.read += len(ids)
        return lambda id: [self.things[id]] if id in self.things else []

    def labels(self, ids: Sequence[int]) -> Callable[[int], Sequence[Row]]:
        rows = self.rows(ids)
        return lambda id: [label for row in rows(id) for label in row["Labels"]]

    def by_sku(self, values: Collection[Any]) -> Iterable[int]:
        return [id for id, one in self.things.items() if one["Sku"] is not None and one["Sku"] in values]

    def holding(self, name: str) -> NextPositions:
        return listed(id for id, one in self.things.items() if any(label["Name"] == name for label in one["Labels"]))

    def between(self, low: int | None, high: int | None) -> NextPositions:
        found = sorted(
            (one["Updated"], id)
            for id, one in self.things.items()
            if (low is None or one["Updated"] >= low) and (high is None or one["Updated"] <= high)
        )

        def next_positions(after: Position | None, count: int, descending: bool) -> Sequence[Position]:
            ordered = found[::-1] if descending else found
            behind = [one for one in ordered if after is None or (one < after if descending else one > after)]
            return behind[:count]

        return next_positions

    def things_set(self) -> Readable:
        return Readable(
            _MODEL.sets["Things"],
            "ID",
            self.rows,
            listed(self.things),
            (Lookup("ID", lambda values: [int(value) for value in values]), Lookup("Sku", self.by_sku)),
            (Membership("Labels", "Name", self.holding),),
            (Range("Updated", self.between),),
        )

    def labels_set(self) -> Readable:
        return Readable(
            _MODEL.sets["Labels"],
            "ThingID",
            self.labels,
            listed(self.things),
            (Lookup("ThingID", lambda values: [int(value) for value in values]),),
        )


def _thing(id: int, sku: str | None, title: str | None, updated: int, labels: Iterable[str]) -> Mapping[str, Any]:
    return {
        "ID": id,
        "Sku": sku,
        "Title": title,
        "Updated": updated,
        "Labels": [{"ThingID": id, "Name": name} for name in sorted(set(labels))],
    }


_names = st.sampled_from(["a", "b", "c", "d"])
_things = st.lists(
    st.builds(
        _thing,
        st.integers(1, 60),
        st.none() | _names,
        st.none() | _names,
        st.integers(0, 9).map(lambda second: second * 1_000_000),
        st.lists(_names, max_size=3),
    ),
    unique_by=lambda one: one["ID"],
    max_size=40,
)
_conditions = st.sampled_from(
    [
        "ID eq 7",
        "ID in (1,2,3,50)",
        "ID gt 20",
        "Sku eq 'a'",
        "Sku eq 'a' or Sku eq 'b'",
        "Title ne 'c'",
        "Title eq null",
        "startswith(Title,'b')",
        "Updated ge 1970-01-01T00:00:03Z",
        "Updated lt 1970-01-01T00:00:07Z",
        "Labels/any(l: l/Name eq 'b')",
        "Labels/any()",
        "not Labels/any(l: l/Name eq 'a')",
    ]
)
_filters = st.none() | st.lists(_conditions, min_size=1, max_size=3).flatmap(
    lambda some: st.sampled_from([" and ", " or "]).map(lambda word: word.join(f"({one})" for one in some))
)
_orders = st.none() | st.sampled_from(
    ["ID", "ID desc", "Updated", "Updated desc", "Updated desc,ID desc", "Title", "Title desc,ID", "Sku,Title desc"]
)


def _options(readable: Readable, **given: object) -> Options:
    pairs = [(f"${name}", str(value)) for name, value in given.items() if value is not None]
    return parse_options(pairs, readable.set.type, _MODEL)


def _pages(readable: Readable, options: Options, most: int) -> Iterable[lists.Page]:
    while True:
        page = lists.page(readable, planning.plan(readable, options), options, most, lambda _: True, lambda: False)
        yield page
        if page.next is None:
            return
        options = options._replace(skiptoken=page.next.text())


def _key(readable: Readable, row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in readable.set.type.key)


@pytest.mark.parametrize("most_looked_at", [7, 5000])
@pytest.mark.parametrize("most_sorted", [10, 5000])
@settings(max_examples=150)
@given(
    things=_things,
    condition=_filters,
    order=_orders,
    most=st.integers(1, 9),
    skip=st.integers(0, 12),
    counts=st.booleans(),
)
def test_all_pages_of_an_entity_set_together_are_the_whole_list(
    things: Sequence[Mapping[str, Any]],
    condition: str | None,
    order: str | None,
    most: int,
    skip: int,
    counts: bool,
    most_looked_at: int,
    most_sorted: int,
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lists, "MOST_LOOKED_AT", most_looked_at)
        patch.setattr(planning, "MOST_SORTED", most_sorted)
        readable = _World(things).things_set()
        options = _options(readable, filter=condition, orderby=order, skip=skip, count=counts or None)
        accepts: Callable[[Row], bool] = (
            (lambda _: True) if options.filter is None else evaluation.predicate(options.filter)
        )
        wanted = [one for one in things if accepts(one)]
        pages = list(_pages(readable, options, most))
    found = [row for page in pages for row in page.rows]
    assert len(found) == max(len(wanted) - skip, 0)
    assert len({row["ID"] for row in found}) == len(found)
    assert all(row in wanted for row in found)
    assert all(len(page.rows) <= most for page in pages)
    ordered = lists.of_list(wanted, options._replace(filter=None, skip=None, with_count=False)).rows
    if order is not None:
        values = [[evaluation.value(one.expression)(row) for one in options.orderby] for row in found]
        assert values == [[evaluation.value(one.expression)(row) for one in options.orderby] for row in ordered][skip:]
    counted = {page.total for page in pages if page.total is not None}
    assert counted <= ({len(wanted)} if counts else set())
    if counts and most_looked_at == most_sorted == 5000:
        assert counted == {len(wanted)}


@pytest.mark.parametrize("most_looked_at", [3, 5000])
@settings(max_examples=100)
@given(
    things=_things,
    most=st.integers(1, 5),
    order=st.sampled_from([None, "ThingID", "ThingID desc", "Name", "Name desc,ThingID"]),
)
def test_parts_of_entities_come_once_each_wherever_pages_end(
    things: Sequence[Mapping[str, Any]], most: int, order: str | None, most_looked_at: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lists, "MOST_LOOKED_AT", most_looked_at)
        readable = _World(things).labels_set()
        pages = list(_pages(readable, _options(readable, orderby=order), most))
    found = [_key(readable, row) for page in pages for row in page.rows]
    assert sorted(found) == sorted((one["ID"], label["Name"]) for one in things for label in one["Labels"])


@given(
    at=st.none() | st.lists(st.integers(0, 2**60), min_size=1, max_size=2).map(tuple),
    key=st.none() | st.lists(st.text(), max_size=2),
    skip=st.integers(0, 2**31),
    count=st.none() | st.integers(0, 2**31),
)
def test_a_skiptoken_survives_its_text(
    at: Position | None, key: Sequence[Any] | None, skip: int, count: int | None
) -> None:
    token = Token(at, key, skip, count)
    assert Token.of(token.text()) == token._replace(best=[])


@given(st.text(max_size=50) | st.binary(max_size=30).map(lambda some: some.hex()))
def test_a_malformed_skiptoken_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        Token.of(text)


def test_a_page_by_key_reads_only_its_entities() -> None:
    world = _World([_thing(id, f"s{id}", "t", id, ()) for id in range(1, 1001)])
    readable = world.things_set()
    for condition, most in (
        ("Sku eq 's7'", 1),
        ("ID in (1,2,3)", 3),
        (None, 101),
        ("Updated ge 1970-01-01", 101),
        ("Title eq 't'", 101),
    ):
        world.read = 0
        options = _options(readable, filter=condition)
        page = lists.page(readable, planning.plan(readable, options), options, 100, lambda _: True, lambda: False)
        assert len(page.rows) == min(most, 100)
        assert world.read <= most


@settings(max_examples=100)
@given(
    things=_things,
    condition=_filters,
    order=_orders,
    most=st.integers(1, 9),
    most_looked_at=st.sampled_from([3, 7, 5000]),
    counts=st.booleans(),
)
def test_counting_skip_up_gives_the_pages_of_next_links(
    things: Sequence[Mapping[str, Any]],
    condition: str | None,
    order: str | None,
    most: int,
    most_looked_at: int,
    counts: bool,
) -> None:
    kept: dict[tuple[str, int], str] = {}

    def nearest(question: str, number: int) -> tuple[int, str] | None:
        found = max((at for name, at in kept if name == question and at <= number), default=None)
        return None if found is None else (found, kept[question, found])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lists, "MOST_LOOKED_AT", most_looked_at)
        patch.setattr(positions, "keep", lambda question, number, after: kept.update({(question, number): after}))
        patch.setattr(positions, "nearest", nearest)
        readable = _World(things).things_set()
        options = _options(readable, filter=condition, orderby=order, count=counts or None)
        wanted = [row for page in _pages(readable, options, most) for row in page.rows]
        found: list[Row] = []
        link: str | None = None
        # A page looks at one thing at least.
        for _ in range(2 * len(things) + 2):
            # Where nothing was given yet there is nothing to skip: only the link goes on.
            asked = options._replace(skip=len(found) or None, skiptoken=None if found else link)
            plan = planning.plan(readable, asked)
            places = Places("anna", "Things", plan, asked)
            page = lists.page(readable, plan, places.begun(), most, lambda _: True, lambda: False)
            places.keep(page, most)
            found += page.rows
            if counts and page.total is not None:
                assert page.total == len(wanted)
            if page.next is None:
                break
            link = page.next.text()
        else:
            raise AssertionError("it does not end")
    assert found == wanted
