"""Statuses of serials: all that there is to say of each."""

from collections.abc import Mapping
from typing import NamedTuple

from batchyard.gs1.cbv import Meaning

COMMISSIONED = "commissioned"
"""The status of a serial to which nothing happened."""

DISPENSED, RECALLED = "dispensed", "recalled"


class Status(NamedTuple):
    """A status of a serial.

    Attributes:
        meaning: What EPCIS calls the move to it. Its step and disposition are no other status's, since the last event
            of a serial is all that says what it is.
        in_circulation: The holder of an item may rely on a serial that has it.
        given_out: A serial that gets it is given into somebody's hands.
        left_to: What a serial that has it may still become; None for anything.
    """

    meaning: Meaning
    in_circulation: bool = False
    given_out: bool = False
    left_to: frozenset[str] | None = None


# Taken back into use, a serial that is out of use would be a new one (GS1 CBV 2.0), so only undoing the change, as one
# made by mistake, brings it back. CBV has no step for what is merely found out (stolen), restored (commissioned) or
# allowed (active), which it lets be called "other". A dispensed item still bears its serial, so its life goes on.
TABLE: Mapping[str, Status] = {
    COMMISSIONED: Status(Meaning("OBSERVE", "other", "available"), in_circulation=True),
    "active": Status(Meaning("OBSERVE", "other", "active"), in_circulation=True, given_out=True),
    DISPENSED: Status(Meaning("OBSERVE", "dispensing", "dispensed"), in_circulation=True, given_out=True),
    "decommissioned": Status(Meaning("DELETE", "decommissioning", "inactive"), left_to=frozenset({"destroyed"})),
    "destroyed": Status(Meaning("DELETE", "destroying", "destroyed"), left_to=frozenset()),
    "stolen": Status(Meaning("OBSERVE", "other", "stolen")),
    RECALLED: Status(Meaning("OBSERVE", "holding", "recalled")),
    "sample": Status(
        Meaning("OBSERVE", "sampling", "non_sellable_other"),
        in_circulation=True,
        given_out=True,
        # "the subsequent business step SHALL be an end-of-life event" (CBV 2.0, `sampling`).
        left_to=frozenset({"decommissioned", "destroyed"}),
    ),
}

STATUSES = tuple(TABLE)


def may_become(status: str, wanted: str) -> bool:
    """Whether a serial of one status may get another."""
    left_to = TABLE[status].left_to
    return left_to is None or wanted in left_to


def are_given_out(status: str) -> bool:
    """Whether serials that get a status are given into somebody's hands, which only an active batch's may be."""
    return TABLE[status].given_out


def is_in_circulation(status: str) -> bool:
    """Whether the holder of an item may rely on a serial of this status."""
    return TABLE[status].in_circulation


def meaning(before: str, after: str) -> Meaning:
    """What EPCIS calls it that a serial of one status gets another.

    Raises:
        KeyError: There is no such status.
    """
    found = TABLE[after].meaning
    # An identifier's life ends once, so what befalls the item afterwards is only seen.
    return found._replace(action="OBSERVE") if TABLE[before].meaning.action == "DELETE" else found
