"""Events of serials: documents of EPCIS 2.0, in the words of CBV 2.0."""

import json
from datetime import date
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from batchyard.gs1.cbv import Meaning
from batchyard.gs1.epcis import (
    DID_NOT_OCCUR,
    FIRST,
    INCORRECT_DATA,
    Withdrawal,
    closing,
    event_id,
    master_data,
    object_event,
    opening,
)
from batchyard.product_batches.serials.statuses import STATUSES, meaning

GTIN = "09521234543213"
MOMENT = "2026-11-22T02:50:19.114587Z"
ITEM = f"https://id.gs1.org/01/{GTIN}/21"

# What the JSON Schema of EPCIS 2.0 lets an object event have, as far as events are written here.
FIELDS = {"eventID", "type", "action", "bizStep", "disposition", "eventTime", "eventTimeZoneOffset", "epcList"}

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


@given(serials, st.sampled_from(STATUSES))
def test_epcis_events_have_exactly_the_required_fields(codes: list[str], status: str) -> None:
    found = event(codes, meaning("commissioned", status))
    assert set(found) == FIELDS
    assert found["epcList"] == [f"{ITEM}/{code}" for code in codes]
    assert (found["eventTime"], found["eventTimeZoneOffset"]) == (MOMENT, "+00:00")


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
