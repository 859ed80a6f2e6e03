"""What happened to serial numbers, as events of EPCIS 2.0 in JSON-LD, in the words of CBV 2.0.

A document is written in pieces, so that it can be streamed however long it is: `opening`, events with commas between
them, `closing`. Many serials that the same happened to at the same moment go into one event.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from batchyard.gs1.digital_link import link_parts
from batchyard.jsontext import dumps

_CONTEXT = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
_CANONICAL_DOMAIN = "https://id.gs1.org"
_EVENTS = UUID("9f85e95e-5ce9-4382-9af6-f1f9f61ee27f")


class Meaning(NamedTuple):
    """What a status of a serial is called in EPCIS.

    Attributes:
        action: Whether the identifier's life begins (`ADD`), goes on (`OBSERVE`) or ends (`DELETE`) with it.
        biz_step: What was done to the item.
        disposition: What the item is from then on.
    """

    action: str
    biz_step: str
    disposition: str


# CBV has no step for what is merely found out (stolen) or restored (active), which it lets be called "other". A
# dispensed item still bears its serial, so its life goes on; a sampled one has to be destroyed or decommissioned next.
MEANINGS: Mapping[str, Meaning] = MappingProxyType(
    {
        "commissioned": Meaning("ADD", "commissioning", "active"),
        "active": Meaning("OBSERVE", "other", "active"),
        "dispensed": Meaning("OBSERVE", "dispensing", "dispensed"),
        "decommissioned": Meaning("DELETE", "decommissioning", "inactive"),
        "destroyed": Meaning("DELETE", "destroying", "destroyed"),
        "stolen": Meaning("OBSERVE", "other", "stolen"),
        "recalled": Meaning("OBSERVE", "holding", "recalled"),
        "sample": Meaning("OBSERVE", "sampling", "non_sellable_other"),
    }
)
"""By the status of a serial."""


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


def commissioning(
    gtin: str,
    serials: Sequence[str],
    moment: str,
    *,
    lot: str | None = None,
    expiry: date | None = None,
    best_before: date | None = None,
    produced: date | None = None,
    packaged: date | None = None,
) -> str:
    """The event that these serials were given to items of one lot, as JSON.

    Args:
        gtin: 14 digits.
        serials: One or more codes that need no encoding in a URI, none of them twice.
        moment: When it happened, in ISO 8601 with `Z`.
        lot: The lot number, where there is one.
        expiry: The last day on which the items may be used.
        best_before: The day up to which they are at their best.
        produced: The day on which they were made.
        packaged: The day on which they were packed.
    """
    named = {"cbvmda:lotNumber": lot} if lot else {}
    # CBV's own master data have no days of production and packaging; GS1's Web Vocabulary has.
    days = {
        "cbvmda:itemExpirationDate": expiry,
        "cbvmda:bestBeforeDate": best_before,
        "gs1:productionDate": produced,
        "gs1:packagingDate": packaged,
    }
    known = {name: day.isoformat() for name, day in days.items() if day}
    ilmd = {**named, **known}
    return _event(gtin, serials, "commissioned", moment, {"ilmd": ilmd} if ilmd else {})


def object_event(gtin: str, serials: Sequence[str], status: str, moment: str) -> str:
    """The event that these serials came to have a status, as JSON.

    Args:
        gtin: 14 digits.
        serials: One or more codes that need no encoding in a URI, none of them twice.
        status: One of `MEANINGS`; for the first one of a serial, `commissioning` says more.
        moment: When it happened, in ISO 8601 with `Z`.

    Raises:
        KeyError: There is no such status.
    """
    return _event(gtin, serials, status, moment, {})


def _event(gtin: str, serials: Sequence[str], status: str, moment: str, more: Mapping[str, Any]) -> str:
    meaning = MEANINGS[status]
    # CBV lets an item be named by nothing but its GTIN and serial; lot and dates are master data of it.
    before, after = link_parts(_CANONICAL_DOMAIN, gtin)
    content = dumps(
        {
            "type": "ObjectEvent",
            "action": meaning.action,
            "bizStep": meaning.biz_step,
            "disposition": meaning.disposition,
            "eventTime": moment,
            "eventTimeZoneOffset": "+00:00",
            "epcList": [f"{before}{serial}{after}" for serial in serials],
            **more,
        }
    )
    # Named after all that it says, an event is known again when the same document is made once more.
    return f'{{"eventID":"{uuid5(_EVENTS, content).urn}",{content[1:]}'
