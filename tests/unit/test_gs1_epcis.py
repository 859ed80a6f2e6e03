"""Events of serials: documents of EPCIS 2.0, in the words of CBV 2.0."""

import json
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchyard.gs1.epcis import MEANINGS, closing, commissioning, object_event, opening

GTIN = "09521234543213"
MOMENT = "2026-11-22T02:50:19.114587Z"
ITEM = f"https://id.gs1.org/01/{GTIN}/21"

# What the JSON Schema of EPCIS 2.0 lets an object event have, as far as events are written here.
FIELDS = {
    "eventID", "type", "action", "bizStep", "disposition", "eventTime", "eventTimeZoneOffset", "epcList", "ilmd",
}  # fmt: skip

serials = st.lists(st.text("0123456789ABCXYZ", min_size=1, max_size=20), min_size=1, unique=True)


def read(event: str) -> dict[str, Any]:
    content = json.loads(event)
    assert isinstance(content, dict)
    return content


def test_the_pieces_make_a_document() -> None:
    events = [commissioning(GTIN, ["A", "B"], MOMENT, lot="L1"), object_event(GTIN, ["B"], "stolen", MOMENT)]
    assert json.loads(opening(MOMENT) + ",".join(events) + closing()) == {
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": MOMENT,
        "epcisBody": {"eventList": [json.loads(event) for event in events]},
    }


def test_a_document_may_have_no_events() -> None:
    assert json.loads(opening(MOMENT) + closing())["epcisBody"] == {"eventList": []}


def test_commissioning_tells_lot_and_dates() -> None:
    event = read(
        commissioning(
            GTIN,
            ["7K2", "8M4"],
            MOMENT,
            lot='L"1/Ö',
            expiry=date(2027, 12, 31),
            best_before=date(2027, 6, 30),
            produced=date(2026, 11, 20),
            packaged=date(2026, 11, 21),
        )
    )
    del event["eventID"]
    assert event == {
        "type": "ObjectEvent",
        "action": "ADD",
        "bizStep": "commissioning",
        "disposition": "active",
        "eventTime": MOMENT,
        "eventTimeZoneOffset": "+00:00",
        "epcList": [f"{ITEM}/7K2", f"{ITEM}/8M4"],
        "ilmd": {
            "cbvmda:lotNumber": 'L"1/Ö',
            "cbvmda:itemExpirationDate": "2027-12-31",
            "cbvmda:bestBeforeDate": "2027-06-30",
            "gs1:productionDate": "2026-11-20",
            "gs1:packagingDate": "2026-11-21",
        },
    }


def test_dates_that_nobody_knows_are_left_out() -> None:
    assert read(commissioning(GTIN, ["7K2"], MOMENT, lot="L1"))["ilmd"] == {"cbvmda:lotNumber": "L1"}


@pytest.mark.parametrize(
    ("status", "action", "biz_step", "disposition"),
    [
        ("commissioned", "ADD", "commissioning", "active"),
        ("active", "OBSERVE", "other", "active"),
        ("dispensed", "OBSERVE", "dispensing", "dispensed"),
        ("decommissioned", "DELETE", "decommissioning", "inactive"),
        ("destroyed", "DELETE", "destroying", "destroyed"),
        ("stolen", "OBSERVE", "other", "stolen"),
        ("recalled", "OBSERVE", "holding", "recalled"),
        ("sample", "OBSERVE", "sampling", "non_sellable_other"),
    ],
)
def test_statuses(status: str, action: str, biz_step: str, disposition: str) -> None:
    event = read(object_event(GTIN, ["7K2"], status, MOMENT))
    assert (event["action"], event["bizStep"], event["disposition"]) == (action, biz_step, disposition)


@given(serials, st.sampled_from(sorted(MEANINGS)))
def test_events_have_what_they_must_and_nothing_else(codes: list[str], status: str) -> None:
    event = read(object_event(GTIN, codes, status, MOMENT))
    assert set(event) == FIELDS - {"ilmd"}
    assert event["epcList"] == [f"{ITEM}/{code}" for code in codes]
    assert (event["eventTime"], event["eventTimeZoneOffset"]) == (MOMENT, "+00:00")


def test_an_unknown_status_is_refused() -> None:
    with pytest.raises(KeyError):
        object_event(GTIN, ["7K2"], "lost", MOMENT)


def test_an_event_is_known_again() -> None:
    event = read(object_event(GTIN, ["7K2"], "stolen", MOMENT))
    assert event["eventID"] == "urn:uuid:0d719153-c252-54c9-9151-24947ca01dd2"


def test_events_that_differ_have_names_that_differ() -> None:
    events = [
        object_event(GTIN, ["7K2"], "stolen", MOMENT),
        object_event(GTIN, ["7K3"], "stolen", MOMENT),
        object_event(GTIN, ["7K2", "7K3"], "stolen", MOMENT),
        object_event(GTIN, ["7K2"], "active", MOMENT),
        object_event(GTIN, ["7K2"], "stolen", "2026-11-22T02:50:19.114588Z"),
        object_event("09506000134352", ["7K2"], "stolen", MOMENT),
        commissioning(GTIN, ["7K2"], MOMENT, lot="L1"),
        commissioning(GTIN, ["7K2"], MOMENT, lot="L1", expiry=date(2027, 12, 31)),
    ]
    names = {read(event)["eventID"] for event in events}
    assert len(names) == len(events)
    assert all(UUID(name).version == 5 for name in names)
