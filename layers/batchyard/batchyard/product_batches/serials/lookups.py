"""Whose serial a code is: for administrators on three levels, and for everybody who holds an item in their hands.

A mistyped code costs no read, any other at most two: the stretch that holds its index, then the batch together with how
often the serial was looked up.
"""

import hashlib
import os
from dataclasses import dataclass
from typing import Any, NamedTuple

from batchyard.clock import iso
from batchyard.defects import log_defect
from batchyard.errors import NotFound, Unavailable
from batchyard.http import limits
from batchyard.product_batches import rules
from batchyard.product_batches.refusals import unknown_serial
from batchyard.product_batches.rules import ProductBatch
from batchyard.product_batches.serials import repository, scans
from batchyard.product_batches.serials.pages import link_builder
from batchyard.product_batches.serials.runs import cut
from batchyard.product_batches.serials.scans import Scans
from batchyard.product_batches.serials.statuses import RECALLED, is_in_circulation
from batchyard.serial_codes import codes, keys
from batchyard.store.unit import Unit

FAILURES_PER_MINUTE = 10
"""Verifications that find nothing until a caller's minute is used up, as if it had asked for all it may."""


@dataclass(frozen=True, slots=True)
class Serial:
    """A serial that a code stands for.

    Args:
        number: Which one it is within the batch, from 0.
        index: Its index in the collection.
        change: The change that brought it; empty for none.
        scans: How often it was looked up in public.
    """

    batch: ProductBatch
    code: str
    number: int
    index: int
    status: str
    change: str
    scans: Scans

    def to_answer(self, domain: str) -> dict[str, Any]:
        """It as an administrator sees it."""
        return {
            "valid": True,
            "code": self.code,
            "index": self.number,
            "collectionId": self.batch.collection,
            "productId": self.batch.product,
            "batchId": self.batch.id,
            "status": self.status,
            "changeId": self.change or None,
            "digitalLink": link_builder(self.batch)(self.code),
            "scans": self.scans.total,
            "firstScannedAt": None if self.scans.first is None else iso(self.scans.first),
            "lastScannedAt": None if self.scans.last is None else iso(self.scans.last),
            "suspicious": self.scans.flagged is not None,
            "batch": self.batch.to_answer(domain),
        }


def find(collection: str, text: str, product: str | None = None, batch: str | None = None) -> Serial:
    """The serial of a code.

    Args:
        text: The code, as somebody typed it.
        product: ID of the product that it should be of; None for any.
        batch: ID of the batch that it should be of; None for any.

    Raises:
        Malformed: It is no code.
        NotFound: It is none of these serials. The details name the batch of the collection that it belongs to.
    """
    code = codes.normalize(text)
    place = keys.find(collection, code)
    if place is None:
        raise unknown_serial()
    unit = Unit()
    stretch = repository.holder(unit, collection, place.index)
    if stretch is None:
        raise unknown_serial()
    found, counted = scans.with_batch(stretch.batch, place.index)
    # Serials of a batch that was removed may outlive it for a moment, and a new one of its ID does not inherit them.
    number = None if found is None else found.number_of(place.index, place.version)
    if found is None or number is None or found.length != len(code) - 1:
        raise unknown_serial()
    if product not in {None, found.product} or batch not in {None, found.id}:
        raise unknown_serial(productId=found.product, batchId=found.id)
    [run] = cut(stretch.runs, place.index, place.index)
    return Serial(found, code, number, place.index, run.status, run.change, counted)


class Verified(NamedTuple):
    """What everybody may know of a code.

    Attributes:
        batch: The batch of a genuine serial in circulation; None for anything else.
        recalled: The code is a genuine serial's, and it is recalled, or all of its batch is.
    """

    batch: ProductBatch | None = None
    recalled: bool = False

    def to_answer(self, domain: str) -> dict[str, Any]:
        """It as it is answered."""
        return {
            "valid": self.batch is not None,
            "status": RECALLED if self.recalled else None,
            "batch": None if self.batch is None else self.batch.to_public(domain),
        }


def verify(collection: str, text: str, caller: str) -> Verified:
    """What everybody may know of a code.

    Args:
        text: The code, as somebody typed it.
        caller: Where the question comes from.

    Raises:
        Malformed: It is no code.
        Throttled: The caller asked too often, or guessed.
    """
    subject = f"verify {hashlib.sha256(f'{collection}\n{caller}'.encode()).hexdigest()}"
    limit = int(os.environ["VERIFICATIONS_PER_MINUTE"])
    limits.take(subject, limit)
    codes.normalize(text)
    try:
        serial = find(collection, text)
    except NotFound:
        limits.spend(subject, limit, limit // FAILURES_PER_MINUTE - 1)
        return Verified()
    try:
        scans.count(serial.batch, serial.index)
    except Unavailable as error:
        # Who holds the item in their hands is not to wait for a count.
        log_defect(error)
    if not rules.is_public(serial.batch):
        return Verified()
    recalled = RECALLED in {serial.status, serial.batch.status}
    if is_in_circulation(serial.status):
        return Verified(serial.batch, recalled)
    # Of what else is out of circulation, whoever has it learns nothing.
    return Verified(recalled=serial.status == RECALLED)
