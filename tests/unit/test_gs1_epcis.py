"""Events of serials: documents of EPCIS 2.0, in the words of CBV 2.0."""

import json
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchyard.gs1.epcis import (
    DID_NOT_OCCUR,
    FIRST,
    INCORRECT_DATA,
    MEANINGS,
    Meaning,
    Withdrawal,
    closing,
    event_id,
    master_data,
    meaning,
    object_event,
    opening,
)
from batchyard.product_batches.serials.statuses import STATUSES, may_become

GTIN = "09521234543213"
MOMENT = "2026-11-22T02:50:19.114587Z"
ITEM = f"https://id.gs1.org/01/{GTIN}/21"

# What the JSON Schema of EPCIS 2.0 lets an object event have, as far as events are written here.
FIELDS = {"eventID", "type", "action", "bizStep", "disposition", "eventTime", "eventTimeZoneOffset", "epcList"}

# All that CBV 2.0 has, sections 7.1 and 7.2.
BIZ_STEPS = """
    accepting arriving assembling collecting commissioning consigning creating_class_instance cycle_counting
    decommissioning departing destroying disassembling dispensing encoding entering_exiting holding
    inspecting installing killing loading other packing picking receiving removing repackaging repairing
    replacing reserving retail_selling sampling sensor_reporting shipping staging_outbound stock_taking
    stocking storing transporting unloading unpacking void_shipping
"""
DISPOSITIONS = """
    active available completeness_verified completeness_inferred conformant container_closed container_open
    damaged destroyed dispensed disposed encoded expired in_progress in_transit inactive mismatch_instance
    mismatch_class mismatch_quantity needs_replacement no_pedigree_match non_conformant non_sellable_other
    partially_dispensed recalled reserved retail_sold returned sellable_accessible sellable_not_accessible
    stolen unavailable unknown
"""

serials = st.lists(st.text("0123456789ABCXYZ", min_size=1, max_size=20), min_size=1, unique=True)


def event(codes: list[str], called: Meaning = FIRST, **more: Any) -> dict[str, Any]:
    content = json.loads(object_event(GTIN, codes, called, MOMENT, id=event_id(GTIN, codes[0], "made"), **more))
    assert isinstance(content, dict)
    return content


def test_opening_events_and_closing_make_an_epcis_document() -> None:
    id = event_id(GTIN, "A", "made")
    events = [object_event(GTIN, ["A", "B"], FIRST, MOMENT, id=id, withdrawn=one) for one in (None, WITHDRAWN)]
    assert json.loads(opening(MOMENT) + ",".join(events) + closing()) == {
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": MOMENT,
        "epcisBody": {"eventList": [json.loads(event) for event in events]},
    }


WITHDRAWN = Withdrawal("2026-11-23T00:00:00.000000Z", DID_NOT_OCCUR)


def test_a_document_may_have_no_events() -> None:
    assert json.loads(opening(MOMENT) + closing())["epcisBody"] == {"eventList": []}


def test_the_first_event_tells_lot_and_dates() -> None:
    data = master_data(
        lot='L"1/Ö',
        expiry=date(2027, 12, 31),
        best_before=date(2027, 6, 30),
        produced=date(2026, 11, 20),
        packaged=date(2026, 11, 21),
    )
    assert event(["7K2", "8M4"], ilmd=data) == {
        "eventID": event_id(GTIN, "7K2", "made"),
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


def test_unknown_master_data_is_left_out_of_an_event() -> None:
    assert master_data(lot="L1") == {"cbvmda:lotNumber": "L1"}
    assert master_data() == {}
    assert "ilmd" not in event(["7K2"], ilmd={})


@pytest.mark.parametrize(
    ("before", "after", "called"),
    [
        ("stolen", "commissioned", ("OBSERVE", "other", "available")),
        ("commissioned", "active", ("OBSERVE", "other", "active")),
        ("active", "dispensed", ("OBSERVE", "dispensing", "dispensed")),
        ("active", "decommissioned", ("DELETE", "decommissioning", "inactive")),
        ("active", "destroyed", ("DELETE", "destroying", "destroyed")),
        ("decommissioned", "destroyed", ("OBSERVE", "destroying", "destroyed")),
        ("active", "stolen", ("OBSERVE", "other", "stolen")),
        ("active", "recalled", ("OBSERVE", "holding", "recalled")),
        ("active", "sample", ("OBSERVE", "sampling", "non_sellable_other")),
        ("sample", "destroyed", ("DELETE", "destroying", "destroyed")),
    ],
)
def test_each_move_of_a_serial_has_its_epcis_meaning(before: str, after: str, called: tuple[str, str, str]) -> None:
    assert may_become(before, after)
    assert meaning(before, after) == called


def test_all_moves_of_serials_are_in_the_words_of_cbv() -> None:
    moves = {(one, other) for one in STATUSES for other in STATUSES if one != other and may_become(one, other)}
    called = {meaning(*move) for move in moves} | {FIRST}
    assert {one.biz_step for one in called} <= set(BIZ_STEPS.split())
    assert {one.disposition for one in called} <= set(DISPOSITIONS.split())
    # A life begins by being made alone, and no move follows upon its end but a look at what is left.
    assert {one.action for one in called - {FIRST}} == {"OBSERVE", "DELETE"}
    for one, other in moves:
        if MEANINGS[one].action == "DELETE":
            assert meaning(one, other).action == "OBSERVE"
    # What a serial became shows in its last event alone.
    for one, other in moves:
        assert [status for status in STATUSES if meaning(one, other)[1:] == MEANINGS[status][1:]] == [other]


def test_a_sampled_serial_can_only_be_decommissioned_or_destroyed() -> None:
    assert {status for status in STATUSES if may_become("sample", status)} == {"decommissioned", "destroyed"}


@given(serials, st.sampled_from(sorted(MEANINGS)))
def test_epcis_events_have_exactly_the_required_fields(codes: list[str], status: str) -> None:
    found = event(codes, MEANINGS[status])
    assert set(found) == FIELDS
    assert found["epcList"] == [f"{ITEM}/{code}" for code in codes]
    assert (found["eventTime"], found["eventTimeZoneOffset"]) == (MOMENT, "+00:00")


def test_an_unknown_status_is_refused() -> None:
    with pytest.raises(KeyError):
        meaning("commissioned", "lost")


def test_a_withdrawn_event_is_repeated_with_an_error_declaration() -> None:
    stays = event(["7K2"], ilmd={"cbvmda:lotNumber": "L1"})
    gone = event(["7K2"], ilmd={"cbvmda:lotNumber": "L1"}, withdrawn=WITHDRAWN)
    assert gone.pop("errorDeclaration") == {"declarationTime": WITHDRAWN.moment, "reason": "did_not_occur"}
    assert gone == stays
    better = event_id(GTIN, "7K2", "made better")
    corrected = event(["7K2"], withdrawn=Withdrawal(MOMENT, INCORRECT_DATA, [better]))
    assert corrected["errorDeclaration"]["reason"] == "incorrect_data"
    assert corrected["errorDeclaration"]["correctiveEventIDs"] == [better]


def test_the_id_of_an_epcis_event_is_unique() -> None:
    assert event_id(GTIN, "7K2", "made") == "urn:uuid:1d52cc84-fd65-5166-b3cd-e06113c1de7d"
    names = {
        event_id(GTIN, "7K2", "made"),
        event_id(GTIN, "7K2", "changed"),
        event_id(GTIN, "7K3", "made"),
        event_id("09506000134352", "7K2", "made"),
    }
    assert len(names) == 4
    assert all(UUID(name).version == 5 for name in names)
