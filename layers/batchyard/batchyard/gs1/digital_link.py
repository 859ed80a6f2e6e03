"""GS1 Digital Link URIs (URI Syntax, release 1.4): a product, its batch or one item of it as a web address."""

from datetime import date, datetime
from urllib.parse import quote

from batchyard.gs1.application_identifiers import yymmdd, yymmddhhmm


def digital_link(
    domain: str,
    gtin: str,
    *,
    variant: str | None = None,
    lot: str | None = None,
    serial: str | None = None,
    expiry: date | None = None,
) -> str:
    """The link of what is named here: `https://id.gs1.org/01/09521234543213/10/L1/21/7K2?17=271231`.

    The values are taken to be valid (`batchyard.gs1.gtin`, `batchyard.gs1.application_identifiers`).

    Args:
        domain: Where links lead, without a slash at its end: `https://id.gs1.org`, `https://example.com/some/path`.
        gtin: 14 digits.
        variant: Consumer product variant (AI 22).
        lot: Batch or lot number (AI 10).
        serial: Serial number (AI 21).
        expiry: The last day on which the item may be used (AI 17), or the moment from which it may not (AI 7003).
    """
    item = f"/21/{_encoded(serial)}" if serial else ""
    return f"{_path(domain, gtin, variant, lot)}{item}{_query(expiry)}"


def link_parts(
    domain: str, gtin: str, *, variant: str | None = None, lot: str | None = None, expiry: date | None = None
) -> tuple[str, str]:
    """What stands before and after the serial in the links of all items of a batch.

    For long pages of serials: put together, `before + serial + after`, they are what `digital_link` gives, for serials
    that need no encoding (letters, digits and `-._`).
    """
    return f"{_path(domain, gtin, variant, lot)}/21/", _query(expiry)


def _path(domain: str, gtin: str, variant: str | None, lot: str | None) -> str:
    path = f"{domain}/01/{gtin}"
    if variant:
        path += f"/22/{_encoded(variant)}"
    if lot:
        path += f"/10/{_encoded(lot)}"
    return path


def _query(expiry: date | None) -> str:
    if expiry is None:
        return ""
    # A moment is a day, too, as Python has it.
    return f"?7003={yymmddhhmm(expiry)}" if isinstance(expiry, datetime) else f"?17={yymmdd(expiry)}"


def _encoded(value: str) -> str:
    # The standard asks for less (quotes, hyphens, dots and underscores stay); all of it reads the same when decoded.
    return quote(value, safe="")
