"""Statuses of serials: all that there is to say of each, but for what EPCIS calls it (`gs1.epcis.meaning`)."""

from collections.abc import Mapping
from typing import NamedTuple

COMMISSIONED = "commissioned"
"""The status of a serial to which nothing happened."""


class Status(NamedTuple):
    """A status of a serial.

    Attributes:
        in_circulation: The holder of an item may rely on a serial that has it.
        left_to: What a serial that has it may still become; None for anything.
    """

    in_circulation: bool
    left_to: frozenset[str] | None = None


# Taken back into use, a serial that is out of use would be a new one (GS1 CBV 2.0), so only undoing the change, as one
# made by mistake, brings it back.
TABLE: Mapping[str, Status] = {
    COMMISSIONED: Status(in_circulation=True),
    "active": Status(in_circulation=True),
    "dispensed": Status(in_circulation=True),
    "decommissioned": Status(in_circulation=False, left_to=frozenset({"destroyed"})),
    "destroyed": Status(in_circulation=False, left_to=frozenset()),
    "stolen": Status(in_circulation=False),
    "recalled": Status(in_circulation=False),
    # "the subsequent business step SHALL be an end-of-life event" (CBV 2.0, `sampling`).
    "sample": Status(in_circulation=True, left_to=frozenset({"decommissioned", "destroyed"})),
}

STATUSES = tuple(TABLE)

RECALLED = "recalled"
DISPENSED = "dispensed"

_GIVEN_OUT = frozenset({"active", DISPENSED, "sample"})


def may_become(status: str, wanted: str) -> bool:
    """Whether a serial of one status may get another."""
    left_to = TABLE[status].left_to
    return left_to is None or wanted in left_to


def are_given_out(status: str) -> bool:
    """Whether serials that get a status are given into somebody's hands, which only an active batch's may be."""
    return status in _GIVEN_OUT


def is_in_circulation(status: str) -> bool:
    """Whether the holder of an item may rely on a serial of this status."""
    return TABLE[status].in_circulation
