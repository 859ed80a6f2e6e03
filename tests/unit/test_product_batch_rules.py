"""The rules of product batches."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchyard.errors import Invalid
from batchyard.jsontext import dumps
from batchyard.product_batches import rules
from batchyard.product_batches.rules import Block, ProductBatch

GTIN = "09521234543213"
DOMAIN = "https://id.gs1.org"
EMPTY = ProductBatch("wines", "barolo", "L1", created=1_795_000_000_000_000)
"""Made in November 2026."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
own = st.dictionaries(st.sampled_from(["theirs", "naïve key", "", "a.b", "lot"]), values, max_size=4)
known = st.fixed_dictionaries(
    {},
    optional={
        "name": st.none() | st.text(max_size=9),
        "gtin": st.none() | st.just(GTIN),
        "lotNumber": st.none() | st.sampled_from(["A", "B/7"]),
        "variant": st.none() | st.just("V"),
        "expiryDate": st.none() | st.sampled_from(["2026-11-22", {"seconds": 5, "nanoseconds": 1}]),
        "data": st.none() | st.dictionaries(st.text(max_size=3), values, max_size=2),
        "admin": st.none() | st.dictionaries(st.text(max_size=3), values, max_size=2),
        "tags": st.none() | st.just([{"code": "T"}]),
        "status": st.none() | st.sampled_from(rules.STATUSES),
    },
)
changes = st.builds(lambda first, second: {**first, **second}, own, known)
blocks = st.lists(st.integers(1, 9), max_size=6).flatmap(
    lambda sizes: st.lists(st.integers(0, 4), min_size=len(sizes), max_size=len(sizes)).map(
        lambda gaps: _laid_out(sizes, gaps)
    )
)


def _laid_out(sizes: list[int], gaps: list[int]) -> tuple[Block, ...]:
    found, first = [], 0
    for number, (size, gap) in enumerate(zip(sizes, gaps, strict=True)):
        first += gap
        found.append(Block(first, size, 1 + number % 2, number))
        first += size
    return tuple(found)


def micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


# Changes.


@given(changes, changes)
def test_a_lot_update_replaces_the_fields_that_it_names_alone(first: dict[str, Any], second: dict[str, Any]):
    batch = rules.revise(rules.revise(EMPTY, first), second)
    expected = {**first, **second}
    status = second.get("status") or first.get("status") or "active"
    expected.pop("status", None)
    assert batch.status == status
    left = {name: value for name, value in expected.items() if value is not None or name not in rules.KNOWN}
    assert _text(batch.fields) == _text(left)


@given(changes)
def test_a_lot_update_with_the_present_values_is_no_change(change: dict[str, Any]):
    batch = rules.revise(EMPTY, change)
    assert rules.revise(batch, change) is batch
    assert rules.revise(batch, {}) is batch
    assert rules.revise(batch, batch.to_answer(DOMAIN) | {"lotNumber": batch.fields.get("lotNumber")}) is batch


@pytest.mark.parametrize(("there", "wanted"), [(1, True), (False, 0), (1, 1.0), ("1", 1), ([], {})])
def test_values_of_a_lot_that_json_tells_apart_differ(there: Any, wanted: Any):
    batch = rules.revise(EMPTY, {"theirs": {"deep": [there]}})
    revised = rules.revise(batch, {"theirs": {"deep": [wanted]}})
    assert revised is not batch
    assert dumps(revised.fields) == dumps({"theirs": {"deep": [wanted]}})
    assert not rules.same(batch, revised, 0)


def test_another_order_of_keys_in_a_lot_is_no_change():
    batch = rules.revise(EMPTY, {"data": {"a": 1, "b": 2}})
    assert rules.revise(batch, {"data": {"b": 2, "a": 1}}) is batch


def test_null_removes_known_fields_of_a_lot_and_is_kept_in_the_clients_own_keys():
    batch = rules.revise(EMPTY, {"name": "First", "data": {"a": 1}, "theirs": {"b": 2}})
    batch = rules.revise(batch, {"name": None, "data": None, "theirs": None, "status": None, "serialFormat": None})
    assert (batch.fields, batch.status, batch.length) == ({"theirs": None}, "active", 10)


def test_computed_fields_of_a_lot_are_ignored_when_sent_back():
    sent_back = {
        "id": "L2",
        "collectionId": "other",
        "productId": "other",
        "createdAt": 1,
        "updatedAt": 2,
        "version": 3,
        "digitalLink": "x",
        "exports": [],
    }
    assert rules.revise(EMPTY, sent_back) is EMPTY


@pytest.mark.parametrize("part", ["data", "admin", "tags", "keys of your own"])
def test_each_part_of_a_lot_has_16_kb(part: str):
    def change(size: int) -> dict[str, Any]:
        # As JSON: two bytes to an "é", and what is around the text.
        text = "é" * (size // 2) + "x" * (size % 2)
        match part:
            case "tags":
                return {"tags": [text]}
            case "keys of your own":
                return {"k": text}
            case _:
                return {part: {"k": text}}

    around = {"tags": len('[""]')}.get(part, len('{"k":""}'))
    fits = change(16 * 1024 - around)
    assert rules.revise(EMPTY, fits).fields == fits
    with pytest.raises(Invalid) as refusal:
        rules.revise(EMPTY, change(16 * 1024 - around + 1))
    assert refusal.value.fields == {part: ["Ensure this has no more than 16384 bytes as JSON."]}


def test_the_clients_own_keys_of_a_lot_have_16_kb_together():
    half = rules.revise(EMPTY, {"one": "x" * 9000})
    with pytest.raises(Invalid) as refusal:
        rules.revise(half, {"two": "x" * 9000})
    assert list(refusal.value.fields) == ["keys of your own"]
    assert rules.revise(half, {"one": "", "two": "x" * 9000}).fields["two"] == "x" * 9000


def test_the_length_of_codes_is_fixed_as_soon_as_there_are_serials():
    longer = rules.revise(EMPTY, {"serialFormat": {"length": 12}})
    assert longer.length == 12
    assert rules.revise(longer, {"serialFormat": {}}) is longer
    filled = replace(longer, blocks=(Block(0, 1, 1, 5),))
    assert rules.revise(filled, {"serialFormat": {"length": 12}}) is filled
    with pytest.raises(Invalid) as refusal:
        rules.revise(filled, {"serialFormat": {"length": 11}})
    assert refusal.value.fields == {"serialFormat": ["It is fixed as soon as there are serials."]}


# Serials.


@given(blocks, st.none() | st.integers(0, 60))
def test_the_quantity_of_a_lot_grows_and_never_shrinks(laid_out: tuple[Block, ...], wanted: int | None):
    batch = replace(EMPTY, blocks=laid_out)
    present = sum(block.size for block in laid_out)
    assert batch.quantity == present
    if wanted is None:
        assert rules.growth(batch, {}) == rules.growth(batch, {"quantity": None}) == 0
    elif wanted >= present:
        assert rules.growth(batch, {"quantity": wanted}) == wanted - present
    else:
        with pytest.raises(Invalid) as refusal:
            rules.growth(batch, {"quantity": wanted})
        assert refusal.value.fields == {
            "quantity": [f"It may grow, never shrink: there are {present} serials."],
        }


def test_a_lot_grows_a_thousand_times_at_most():
    batch = replace(EMPTY, blocks=tuple(Block(2 * number, 1, 1, number) for number in range(1000)))
    assert rules.growth(batch, {"quantity": 1000}) == 0
    with pytest.raises(Invalid) as refusal:
        rules.growth(batch, {"quantity": 1001})
    assert list(refusal.value.fields) == ["quantity"]
    assert rules.growth(replace(batch, blocks=batch.blocks[1:]), {"quantity": 1001}) == 2


def _numbered(batch: ProductBatch) -> list[tuple[int, int]]:
    """The index of each serial, and the version of its key, by its number."""
    return [(index, block.key) for block in batch.blocks for index in range(block.first, block.last + 1)]


@given(blocks, st.integers(0, 60), st.integers(0, 60))
def test_places_of_serials_in_blocks(laid_out: tuple[Block, ...], start: int, size: int):
    batch = replace(EMPTY, blocks=laid_out)
    found = list(batch.places(start, size))
    assert [(index, block.key) for block, first, last in found for index in range(first, last + 1)] == _numbered(batch)[
        start : start + size
    ]
    assert all(block.first <= first <= last <= block.last for block, first, last in found)


@given(blocks)
def test_the_number_of_a_serial_in_its_lot_from_its_index(laid_out: tuple[Block, ...]):
    batch = replace(EMPTY, blocks=laid_out)
    numbers = {place: number for number, place in enumerate(_numbered(batch))}
    for index in range(90):
        for key in (1, 2):
            assert batch.number_of(index, key) == numbers.get((index, key))
        assert batch.number_of(index) == numbers.get((index, 1), numbers.get((index, 2)))


@given(changes, changes, st.integers(0, 3), st.integers(0, 3))
def test_same_lots_have_the_same_fields_and_quantity(
    first: dict[str, Any], second: dict[str, Any], there: int, wanted: int
):
    current = replace(
        rules.revise(EMPTY, first), blocks=(Block(0, there, 1, 5),) if there else (), version=7, created=5
    )
    asked = rules.revise(EMPTY, second)
    assert rules.same(current, rules.revise(EMPTY, first), there)
    assert rules.same(current, asked, wanted) == (
        (_text(asked.fields), asked.status, wanted) == (_text(current.fields), current.status, there)
    )
    assert not rules.same(current, replace(rules.revise(EMPTY, first), length=11), there)


def _text(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields, sort_keys=True)


# Dates.


@given(st.dates(date(1970, 1, 1), date(9998, 12, 31)))
def test_a_date_of_a_lot_ends_with_its_day(day: date):
    given = day.isoformat()
    assert rules.must_be_date(given) is given
    assert rules.day_of(given) == day
    assert rules.end_of(given) == micros(datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1))


@given(
    st.datetimes(datetime(1970, 1, 2), datetime(9998, 12, 30)),  # noqa: DTZ001 (the offset comes apart)
    st.sampled_from(["", "Z", "+02:00", "-11:30"]),
    st.sampled_from(["seconds", "milliseconds", "microseconds"]),
)
def test_a_moment_of_a_lot_ends_at_once_and_midnight_with_its_day(local: datetime, offset: str, precision: str):
    given = local.isoformat(timespec=precision) + offset
    shift = {"": 0, "Z": 0, "+02:00": 120, "-11:30": -690}[offset]
    moment = datetime.fromisoformat(local.isoformat(timespec=precision)).replace(
        tzinfo=timezone(timedelta(minutes=shift))
    )
    assert rules.must_be_date(given) is given
    is_day = (
        datetime.fromisoformat(given).timetz() == moment.replace(hour=0, minute=0, second=0, microsecond=0).timetz()
    )
    is_day = is_day if offset else moment.time() == datetime.min.time()
    assert rules.end_of(given) == micros(moment + timedelta(days=is_day))
    assert rules.day_of(given) == local.date()


def test_the_day_of_a_moment_is_the_written_day():
    assert rules.day_of("2028-06-30T00:00:00+02:00") == date(2028, 6, 30)
    assert rules.day_of("2028-06-30T23:30:00-05:00") == date(2028, 6, 30)
    batch = replace(EMPTY, fields={"gtin": GTIN, "expiryDate": "2028-06-30T00:00:00+02:00"})
    assert batch.digital_link(DOMAIN) == f"{DOMAIN}/01/{GTIN}/10/L1?17=280630"
    assert batch.expires_us == micros(datetime(2028, 6, 30, 22, tzinfo=UTC))


@given(st.integers(0, 253_370_764_799), st.integers(0, 999_999_999))
def test_seconds_since_1970_are_a_date_of_a_lot(seconds: int, nanoseconds: int):
    for when in ({"seconds": seconds}, {"seconds": seconds, "nanoseconds": nanoseconds}):
        assert rules.must_be_date(when) is when
        assert rules.end_of(when) == (seconds if seconds % 86_400 else seconds + 86_400) * 1_000_000
        assert rules.day_of(when) == datetime.fromtimestamp(seconds, UTC).date()


@pytest.mark.parametrize("given", ["2026-11-22", "20261122", "2026-W47-7"])
def test_a_day_of_a_lot_may_be_written_in_every_way_of_iso_8601(given: str):
    assert rules.must_be_date(given) is given
    assert rules.end_of(given) == micros(datetime(2026, 11, 23, tzinfo=UTC))


@pytest.mark.parametrize(
    "given", ["2026-11-22T10:30:00Z", "2026-11-22t10:30:00z", "2026-11-22 10:30", "20261122T103000", "2026-W47-7T10:30"]
)
def test_a_moment_may_be_written_in_every_way_of_iso_8601(given: str):
    assert rules.must_be_date(given) is given
    assert rules.end_of(given) == micros(datetime(2026, 11, 22, 10, 30, tzinfo=UTC))


def test_fractions_of_a_microsecond_in_a_date_are_ignored():
    assert rules.end_of("2026-11-22T10:00:00.1234567891Z") == rules.end_of("2026-11-22T10:00:00.123456Z")


@pytest.mark.parametrize(
    "given",
    [
        "",
        "soon",
        "2026-13-01",
        "2026-02-30",
        "2026-11",
        "22.11.2026",
        "2026-11-22T25:00",
        "2026-11-22T10:00:60Z",
        "2026-11-22T10:00:00+25:00",
        "2026-11-22x10:00",
        "2026-11-22T",
        "２０２６-11-22",  # noqa: RUF001
        # Before the year 1 in UTC.
        "0001-01-01T00:00:00+23:59",
    ],
)
def test_invalid_dates_of_a_lot(given: str):
    with pytest.raises(ValueError, match="an ISO 8601 date or moment, or seconds since 1970"):
        rules.must_be_date(given)


@pytest.mark.parametrize("given", ["1969-12-31", "1970-01-01T00:00:00+00:01"])
def test_dates_are_from_1970(given: str):
    with pytest.raises(ValueError, match="a date from 1970 to 9999"):
        rules.must_be_date(given)


@pytest.mark.parametrize(
    "given",
    ["9999-12-31", "9999-12-31T23:59:59.999999-14:00", "9999-01-01T00:00:00+14:00", {"seconds": 253_402_300_799}],
)
def test_an_expiry_date_of_9999_is_never(given: rules.When):
    assert rules.must_be_date(given) is given
    batch = replace(EMPTY, fields={"gtin": GTIN, "expiryDate": given, "manufactureDate": "2026-01-01"})
    assert (batch.expires_us, batch.printed_expiry, batch.warnings) == (None, None, [])
    assert batch.digital_link(DOMAIN) == f"{DOMAIN}/01/{GTIN}/10/L1"
    assert not rules.is_due(batch, 10**18)


@given(st.dates(date(1970, 1, 1), date(9998, 12, 31)), st.integers(2020, 2090))
def test_the_digital_link_has_an_expiry_date_that_readers_understand(day: date, made: int):
    created = micros(datetime(made, 6, 1, tzinfo=UTC))
    batch = replace(EMPTY, created=created, fields={"gtin": GTIN, "expiryDate": day.isoformat()})
    _, _, query = (batch.digital_link(DOMAIN) or "").partition("?17=")
    if query:
        # As section 7.12 of the General Specifications tells readers to.
        difference = int(query[:2]) - made % 100
        century = made // 100 + (1 if difference <= -50 else -1 if difference >= 51 else 0)
        assert date(100 * century + int(query[:2]), int(query[2:4]), int(query[4:])) == day
        assert batch.warnings == []
    else:
        assert not made - 49 <= day.year <= made + 50
        assert [warning["code"] for warning in batch.to_answer(DOMAIN)["warnings"]] == ["EXPIRY_NOT_ON_LABEL"]


@given(st.datetimes(datetime(2000, 1, 1), datetime(2070, 1, 1)))  # noqa: DTZ001 (the offset comes apart)
def test_the_printed_expiry_agrees_with_the_status_of_a_lot(local: datetime):
    given = f"{local.isoformat()}+02:00"
    batch = replace(EMPTY, fields={"gtin": GTIN, "expiryDate": given})
    _, _, query = (batch.digital_link(DOMAIN) or "").partition("?")
    name, _, value = query.partition("=")
    over = datetime.fromtimestamp((batch.expires_us or 0) // 1_000_000, timezone(timedelta(hours=2)))
    last = over - timedelta(days=1) if name == "17" else over
    assert value == f"{last:%y%m%d}" if name == "17" else f"{last:%y%m%d%H%M}"
    assert (name == "17") == (local.time() == datetime.min.time())


@pytest.mark.parametrize("made", ["2026-11-22", "2026-11-22T23:59:00+02:00", {"seconds": 1_795_305_600}])
def test_an_expiry_date_before_the_manufacture_date_is_refused(made: rules.When):
    batch = rules.revise(EMPTY, {"manufactureDate": made})
    for change in ({"expiryDate": "2026-11-21"}, {"expiryDate": "2026-11-21", "manufactureDate": made}):
        with pytest.raises(Invalid) as refused:
            rules.revise(batch, change)
        assert refused.value.fields == {"expiryDate": ["It is before the manufactureDate."]}
    assert rules.revise(batch, {"expiryDate": "2026-11-22"}).fields["expiryDate"] == "2026-11-22"
    # What is stored so may be spoken of.
    wrong = replace(batch, fields={**batch.fields, "expiryDate": "2026-11-21"})
    assert rules.revise(wrong, {**wrong.fields, "name": "x"}).fields["name"] == "x"
    with pytest.raises(Invalid):
        rules.revise(wrong, {"expiryDate": "2026-11-20"})


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"gtin": GTIN, "variant": "V", "lotNumber": "A/7", "name": "other", "expiryDate": None}, []),
        ({"gtin": "09501101530003"}, ["gtin"]),
        ({"gtin": None, "variant": None, "lotNumber": None}, ["gtin", "variant", "lotNumber"]),
        ({"lotNumber": "B"}, ["lotNumber"]),
    ],
)
def test_printed_fields_of_a_lot_with_serials_cannot_be_renamed(change: dict[str, Any], names: list[str]):
    batch = rules.revise(EMPTY, {"gtin": GTIN, "variant": "V", "lotNumber": "A/7"})
    assert rules.renamed(batch, rules.revise(batch, change)) == []
    printed = replace(batch, blocks=(Block(0, 1, 1, 0),))
    assert rules.renamed(printed, rules.revise(printed, change)) == names


def test_a_gtin_may_come_late_and_the_id_is_the_lot():
    batch = replace(EMPTY, blocks=(Block(0, 1, 1, 0),))
    assert rules.renamed(batch, rules.revise(batch, {"gtin": GTIN, "lotNumber": "L1"})) == []
    assert rules.renamed(batch, rules.revise(batch, {"gtin": GTIN, "variant": "V"})) == ["variant"]


@pytest.mark.parametrize("status", rules.STATUSES)
def test_an_active_lot_is_due_when_its_expiry_date_is_over(status: str):
    batch = replace(EMPTY, status=status, fields={"expiryDate": "2026-11-22"})
    over = micros(datetime(2026, 11, 23, tzinfo=UTC))
    assert not rules.is_due(batch, over - 1)
    assert rules.is_due(batch, over) == (status == "active")
    assert not rules.is_due(replace(batch, fields={}), over)


# What is shown.


@given(changes, blocks)
def test_the_public_view_of_a_lot_shows_public_fields_alone(change: dict[str, Any], laid_out: tuple[Block, ...]):
    batch = replace(rules.revise(EMPTY, change), blocks=laid_out, version=3)
    shown = batch.to_public(DOMAIN)
    assert shown.keys() <= {
        "id",
        "collectionId",
        "productId",
        "name",
        "gtin",
        "lotNumber",
        "manufactureDate",
        "packagingDate",
        "bestBeforeDate",
        "expiryDate",
        "status",
        "data",
        "digitalLink",
    }
    assert shown == {name: value for name, value in batch.to_answer(DOMAIN).items() if name in shown}
    assert shown.keys() >= batch.fields.keys() & {"name", "gtin", "expiryDate", "data"}


@given(changes)
def test_the_answer_of_a_lot_holds_the_clients_values_unchanged(change: dict[str, Any]):
    answer = rules.revise(EMPTY, change).to_answer(DOMAIN)
    said = {name: value for name, value in change.items() if value is not None or name not in {*rules.KNOWN, "status"}}
    assert {name: dumps(answer[name]) for name in said} == {name: dumps(value) for name, value in said.items()}


def test_the_lot_number_is_the_id_unless_the_id_is_no_lot_number():
    assert EMPTY.to_answer(DOMAIN)["lotNumber"] == "L1"
    assert rules.revise(EMPTY, {"lotNumber": "A/7"}).to_answer(DOMAIN)["lotNumber"] == "A/7"
    long = ProductBatch("wines", "barolo", "x" * 21)
    assert "lotNumber" not in long.to_answer(DOMAIN)
    assert "lotNumber" not in long.to_public(DOMAIN)


def test_the_digital_link_names_the_product_the_variant_the_lot_and_the_expiry_in_this_order():
    batch = rules.revise(
        EMPTY, {"gtin": GTIN, "variant": "V", "lotNumber": "A/7", "expiryDate": "2026-11-22T23:30:00-02:00"}
    )
    # The moment is on the next day in UTC, which is not the day that is written.
    assert batch.digital_link(DOMAIN) == f"{DOMAIN}/01/{GTIN}/22/V/10/A%2F7?7003=2611222330"
    assert rules.revise(EMPTY, {"gtin": GTIN}).digital_link(DOMAIN) == f"{DOMAIN}/01/{GTIN}/10/L1"
    assert "digitalLink" not in EMPTY.to_answer(DOMAIN)
