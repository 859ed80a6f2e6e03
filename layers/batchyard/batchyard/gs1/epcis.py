"""What happened to serial numbers, as events of EPCIS 2.0 in JSON-LD, in the words of CBV 2.0.

A document is written in pieces, so that it can be streamed however long it is: `opening`, events with commas between
them, `closing`. Many serials that the same happened to at the same moment go into one event.

An event that was told stays told. Where it was an error, the same event comes once more with an error declaration
(EPCIS 2.0, section 7.4.1.4), which names the events that say it better, if there are any.

Why: docs/decisions.md#an-epc-is-born-once-and-dies-once
Why: docs/decisions.md#what-epcis-was-told-stays-told
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID, uuid5

from batchyard.gs1.cbv import Meaning
from batchyard.gs1.digital_link import link_parts
from batchyard.jsontext import dumps

_CONTEXT = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
_CANONICAL_DOMAIN = "https://id.gs1.org"
_EVENTS = UUID("9f85e95e-5ce9-4382-9af6-f1f9f61ee27f")


class Withdrawal(NamedTuple):
    """That an event was told in error.

    Attributes:
        moment: Since when that is known, in ISO 8601 with `Z`.
        reason: `DID_NOT_OCCUR` or `INCORRECT_DATA`.
        corrective: IDs of the events that say it as it was.
    """

    moment: str
    reason: str
    corrective: Sequence[str] = ()


DID_NOT_OCCUR, INCORRECT_DATA = "did_not_occur", "incorrect_data"

FIRST = Meaning("ADD", "commissioning", "active")
"""The serial was given to an item."""


def opening(created: str) -> str:
    """A document up to its first event.

    Args:
        created: When the document was made, in ISO 8601 with `Z`.
    """
    head = {"@context": [_CONTEXT], "type": "EPCISDocument", "schemaVersion": "2.0", "creationDate": created}
    return f'{dumps(head)[:-1]},"epcisBody":{{"eventList":['


def closing() -> str:
    """A document from behind its last event."""
    return "]}}"


def master_data(
    *,
    lot: str | None = None,
    expiry: date | None = None,
    best_before: date | None = None,
    produced: date | None = None,
    packaged: date | None = None,
) -> dict[str, str]:
    """What is known of all items of a lot (`ilmd`), as far as it is known.

    Args:
        lot: The lot number.
        expiry: The last day on which the items may be used.
        best_before: The day up to which they are at their best.
        produced: The day on which they were made.
        packaged: The day on which they were packed.
    """
    # CBV's own master data have no days of production and packaging; GS1's Web Vocabulary has.
    days = {
        "cbvmda:itemExpirationDate": expiry,
        "cbvmda:bestBeforeDate": best_before,
        "gs1:productionDate": produced,
        "gs1:packagingDate": packaged,
    }
    return ({"cbvmda:lotNumber": lot} if lot else {}) | {name: day.isoformat() for name, day in days.items() if day}


def event_id(gtin: str, serial: str, told: str) -> str:
    """The ID of an event, the same whenever it is told.

    Args:
        gtin: 14 digits.
        serial: The first serial that the event is about.
        told: What tells it from all other events whose first serial this is.
    """
    before, after = link_parts(_CANONICAL_DOMAIN, gtin)
    return uuid5(_EVENTS, f"{before}{serial}{after} {told}").urn


def object_event(
    gtin: str,
    serials: Sequence[str],
    meaning: Meaning,
    moment: str,
    *,
    id: str,
    ilmd: Mapping[str, str] | None = None,
    withdrawn: Withdrawal | None = None,
) -> str:
    """The event that something happened to these serials, as JSON.

    Args:
        gtin: 14 digits.
        serials: One or more codes that need no encoding in a URI, none of them twice.
        meaning: What happened to them.
        moment: When it happened, in ISO 8601 with `Z`.
        id: Its ID (`event_id`).
        ilmd: What is known of the items (`master_data`), told with their first event.
        withdrawn: That the event was told in error, if so.
    """
    # CBV lets an item be named by nothing but its GTIN and serial; lot and dates are master data of it.
    before, after = link_parts(_CANONICAL_DOMAIN, gtin)
    return dumps(
        {
            "eventID": id,
            "type": "ObjectEvent",
            "action": meaning.action,
            "bizStep": meaning.biz_step,
            "disposition": meaning.disposition,
            "eventTime": moment,
            "eventTimeZoneOffset": "+00:00",
            "epcList": [f"{before}{serial}{after}" for serial in serials],
            **({"ilmd": ilmd} if ilmd else {}),
            **({} if withdrawn is None else {"errorDeclaration": _declaration(withdrawn)}),
        }
    )


def _declaration(withdrawn: Withdrawal) -> dict[str, str | list[str]]:
    declared: dict[str, str | list[str]] = {"declarationTime": withdrawn.moment, "reason": withdrawn.reason}
    return declared | ({"correctiveEventIDs": [*withdrawn.corrective]} if withdrawn.corrective else {})
