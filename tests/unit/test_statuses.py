"""Statuses of the families: each moves to statuses that there are, and moves of serials have their words in EPCIS."""

import pytest

from batchyard.batch_requests import rules as batch_requests
from batchyard.gs1.epcis import FIRST
from batchyard.product_batches.serials.statuses import STATUSES, TABLE, may_become, meaning

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


@pytest.mark.parametrize("status", STATUSES)
def test_a_serial_is_left_to_statuses_that_there_are(status: str) -> None:
    assert (TABLE[status].left_to or set()) <= set(STATUSES)


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
        if TABLE[one].meaning.action == "DELETE":
            assert meaning(one, other).action == "OBSERVE"
    # What a serial became shows in its last event alone.
    for one, other in moves:
        assert [status for status in STATUSES if meaning(one, other)[1:] == TABLE[status].meaning[1:]] == [other]


def test_a_sampled_serial_can_only_be_decommissioned_or_destroyed() -> None:
    assert {status for status in STATUSES if may_become("sample", status)} == {"decommissioned", "destroyed"}


def test_an_unknown_status_is_refused() -> None:
    with pytest.raises(KeyError):
        meaning("commissioned", "lost")


@pytest.mark.parametrize("status", batch_requests.STATUSES)
def test_a_batch_request_moves_to_statuses_that_there_are(status: str) -> None:
    assert {*batch_requests.MOVES[status]} <= set(batch_requests.STATUSES)
