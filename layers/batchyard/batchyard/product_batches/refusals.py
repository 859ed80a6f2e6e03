"""What product batches refuse by a name of their own: programs tell these apart from the dialect's standard ones."""

from collections.abc import Mapping, Sequence

from batchyard.errors import BatchyardError, Conflict, Malformed, NotFound
from batchyard.serial_codes import INVALID_CODE

KINDS: Mapping[str, type[BatchyardError]] = {
    "ALREADY_PRINTED": Conflict,
    "AMBIGUOUS_BATCH": Conflict,
    "BATCH_EXISTS": Conflict,
    "BATCH_NOT_ACTIVE": Conflict,
    "CHANGED_SINCE": Conflict,
    "DISPENSED_FOR_GOOD": Conflict,
    "DRAFT_BATCH": Conflict,
    "FINAL_STATUS": Conflict,
    "IN_CIRCULATION": Conflict,
    "NO_GTIN": Conflict,
    "REPEATED_LOT": Conflict,
    "SERIALS_IN_USE": Conflict,
    "TOLD_TOO_OFTEN": Conflict,
    "TOO_MANY_PARTS": Conflict,
    "UNKNOWN_SERIAL": NotFound,
    # By `serial_codes`, of what somebody typed.
    INVALID_CODE: Malformed,
}
"""By its name, as what kind of error each is refused."""


def already_printed(fields: Sequence[str]) -> BatchyardError:
    """Fields cannot be changed, since they name serials that are there; the details name the fields."""
    message = "Labels and events of the batch's serials bear this already. It can be changed as long as there are none."
    return _refusal("ALREADY_PRINTED", message, fields=list(fields))


def ambiguous_batch(products: Sequence[str]) -> BatchyardError:
    """Several products have a batch of this ID; the details name them."""
    message = "Several products have a batch of this ID. Name one with ?productId=."
    return _refusal("AMBIGUOUS_BATCH", message, productIds=list(products))


def batch_exists(batch: str) -> BatchyardError:
    """A batch of this ID is there, and is not the one that somebody wants to make."""
    return _refusal("BATCH_EXISTS", f'The product has another batch "{batch}".')


def batch_not_active(status: str, allowed: Sequence[str]) -> BatchyardError:
    """Serials of a batch are not given out; the details tell what else they may become.

    Args:
        status: The batch's status.
        allowed: Statuses that its serials may get.
    """
    message = f"The batch is {status}, so its serials are not activated, dispensed or sampled."
    return _refusal("BATCH_NOT_ACTIVE", message, batchStatus=status, allowed=list(allowed))


def changed_since(number: int | None, change: str) -> BatchyardError:
    """A change cannot be undone, since a serial of it was changed again.

    Args:
        number: Which one it is within the batch, from 0.
        change: ID of the later change; empty for none.
    """
    message = "Serials of this change were changed again since. Undo the later change first."
    return _refusal("CHANGED_SINCE", message, index=number, changeId=change)


def dispensed_for_good(status: str, by: str, until: str) -> BatchyardError:
    """Dispensing is not undone any more, or not by this user; the details tell when and by whom it would be.

    Args:
        status: The batch's status.
        by: The user who dispensed.
        until: How long that could be undone, in ISO 8601 with `Z`.
    """
    message = "Dispensing is undone only by the user who did it, for a time, and while the batch is active."
    return _refusal("DISPENSED_FOR_GOOD", message, batchStatus=status, by=by, until=until)


def draft_batch() -> BatchyardError:
    """EPCIS is asked for of a draft."""
    return _refusal("DRAFT_BATCH", "Nothing is told of a draft. Give the batch another status first.")


def final_status(status: str, allowed: Sequence[str]) -> BatchyardError:
    """The serial's status cannot be changed any more, or not to this one; the details tell what it may still become.

    Args:
        status: The serial's status.
        allowed: Statuses that it may get.
    """
    if allowed:
        message = f"The serial is {status}, and may only become {' or '.join(allowed)}. Undo what made it so."
    else:
        message = "This serial is out of use, for good. Undo what made it so."
    return _refusal("FINAL_STATUS", message, status=status, allowed=list(allowed))


def in_circulation(how: str) -> BatchyardError:
    """A batch cannot be removed, since its serials may be on items.

    Args:
        how: What tells so: they were `exported`, `printed` or `verified`.
    """
    message = f"Serials of the batch were {how}. Add ?force=true to remove it all the same: they verify no more then."
    return _refusal("IN_CIRCULATION", message, reason=how)


def no_gtin() -> BatchyardError:
    """EPCIS is asked for of a batch that has no GTIN."""
    return _refusal("NO_GTIN", "EPCIS names items by their GTIN, and the batch has none.")


def repeated_lot(product: str, batch: str) -> BatchyardError:
    """Another batch of the collection has the same GTIN and lot; the details name it."""
    message = "Another batch of the collection has this GTIN and lot."
    return _refusal("REPEATED_LOT", message, productId=product, batchId=batch)


def serials_in_use(number: int | None, status: str) -> BatchyardError:
    """A batch cannot be removed, since something happened to a serial of it.

    Args:
        number: Which one it is within the batch, from 0.
        status: What it became.
    """
    message = "Serials of the batch are in use. Add ?force=true to remove it all the same."
    return _refusal("SERIALS_IN_USE", message, index=number, status=status)


def told_too_often() -> BatchyardError:
    """EPCIS is to be told something else of a batch than before, once more than is kept."""
    return _refusal("TOLD_TOO_OFTEN", "Dates of the batch were told and corrected too often to be told once more.")


def too_many_parts() -> BatchyardError:
    """A batch cannot be removed together with its serials, since these are more items than one transaction takes."""
    message = (
        "The serials of the batch are kept in too many parts to be removed together with it."
        " Add ?force=true to remove the batch first."
    )
    return _refusal("TOO_MANY_PARTS", message)


def unknown_serial(**details: str) -> BatchyardError:
    """A code is none of the serials in question; the details name the batch whose it is, if it is any other's."""
    return _refusal("UNKNOWN_SERIAL", "The code is none of these serials.", **details)


def _refusal(code: str, message: str, **details: object) -> BatchyardError:
    return KINDS[code](message, code=code, details=details)
