"""What a client says of itself and of the answer that it can read: versions, media types, preferences."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from batchyard.errors import Malformed
from batchyard.http.accept import wish
from batchyard.http.urls import header

_SPOKEN = frozenset({"4.0", "4.01"})
_SPOKEN_BEFORE = ("1.0", "2.0", "3.0")
_VERSION = re.compile(r"(?:[4-9]|[1-9][0-9])(?:\.[0-9]{1,2})?")
_NUMBER = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3})?")
_GOES_ON = frozenset({"continue-on-error", "odata.continue-on-error"})


_PAGE_SIZES = frozenset({"maxpagesize", "odata.maxpagesize"})
_PAGE_SIZE = re.compile(r"[1-9][0-9]{0,8}")
_NUMBERS_AS_TEXTS = re.compile(r';\s*IEEE754Compatible\s*=\s*"?true"?\s*(?:[;,]|\Z)', re.IGNORECASE)


class Version(NamedTuple):
    """The version of OData that an answer is in.

    Args:
        number: As a header says it: `4.0`, or `2.0`.
        legacy: It is one before 4, which has headers and errors of its own.
    """

    number: str
    legacy: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """The header that says it."""
        return {"DataServiceVersion" if self.legacy else "OData-Version": self.number}


VERSION_4 = Version("4.0")


def version_of(event: Mapping[str, Any]) -> Version:
    """The version that errors are worded in: one before 4 for clients that ask for it, else 4.0, which all read."""
    asked = _asked(event, "MaxDataServiceVersion") or _asked(event, "DataServiceVersion")
    if asked is not None:
        return Version(_not_above(asked), legacy=True)
    return VERSION_4


def _not_above(asked: str) -> str:
    """The highest version before 4 that is not above what was asked for (OData 2, 2.2.5.4)."""
    if not _NUMBER.fullmatch(asked):
        return _SPOKEN_BEFORE[-1]
    return next((one for one in reversed(_SPOKEN_BEFORE) if float(one) <= float(asked)), _SPOKEN_BEFORE[0])


def must_be_spoken(event: Mapping[str, Any]) -> None:
    """Raises `Malformed` for a version of OData that the service does not speak (OData 4.01, 8.1.5 and 8.2.7)."""
    given = _asked(event, "OData-Version")
    if given is not None and given not in _SPOKEN:
        raise Malformed(f'OData-Version "{given[:20]}" is not spoken here, but 4.0 and 4.01 are.')
    highest = _asked(event, "OData-MaxVersion")
    if highest is not None and not _VERSION.fullmatch(highest):
        raise Malformed(f'OData-MaxVersion "{highest[:20]}" is no version from 4.0 on, the lowest that is spoken here.')


def continues_on_error(event: Mapping[str, Any]) -> bool | None:
    """Whether a client prefers that a batch goes on after an error (`Prefer`); None where it does not say."""
    return next((value != "false" for name, value in _preferences(event) if name in _GOES_ON), None)


def prefers(event: Mapping[str, Any], preference: str) -> bool:
    """Whether a client prefers something that has a name alone (RFC 7240)."""
    return any(name == preference and value != "false" for name, value in _preferences(event))


def wants_numbers_as_texts(event: Mapping[str, Any], given: str | None) -> bool:
    """Whether a client wants `Edm.Int64` and `Edm.Decimal` as strings in the answer (OData JSON 4.01, 3.2).

    Args:
        given: What `$format` says, which goes before `Accept`; None where it is not there.
    """
    return _NUMBERS_AS_TEXTS.search((header(event, "Accept") or "") if given is None else given) is not None


def preferred_page(event: Mapping[str, Any]) -> tuple[str, int] | None:
    """The page that a client prefers (OData 4.01, 8.2.8.5), as the preference and its number of entities."""
    return next(
        (
            (f"{name}={value}", int(value))
            for name, value in _preferences(event)
            if name in _PAGE_SIZES and _PAGE_SIZE.fullmatch(value)
        ),
        None,
    )


def _preferences(event: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The preferences of a client with their values."""
    for preference in (header(event, "Prefer") or "").lower().replace(";", ",").split(","):
        name, _, value = preference.partition("=")
        yield name.strip(), value.strip('" ')


def has_numbers_as_texts(event: Mapping[str, Any]) -> bool:
    """Whether a client sends `Edm.Int64` and `Edm.Decimal` as strings (OData JSON 4.01, 3.2)."""
    return _NUMBERS_AS_TEXTS.search(header(event, "Content-Type") or "") is not None


def answers_multipart(event: Mapping[str, Any], *, is_json: bool, has_ids: bool) -> bool:
    """Whether the answer to a batch is multipart; else it is JSON.

    Args:
        event: The API Gateway event of the batch.
        is_json: The batch is JSON itself.
        has_ids: A request in it has an ID, without which nobody could tell answers in JSON apart.
    """
    accept = header(event, "Accept")
    multipart, json = wish(accept, "multipart/mixed"), wish(accept, "application/json")
    if multipart.by_name and multipart.weight >= json.weight and multipart.weight:
        return True
    # Only 4.01 has batches in JSON. Clients that send multipart without IDs often accept JSON, and mean the parts.
    if version_of(event).legacy or "4.0" in _asked_for_4(event) or (not is_json and not has_ids):
        return True
    if json.by_name or not (json.weight and multipart.weight):
        if multipart.weight != json.weight:
            return multipart.weight > json.weight
        # Where neither is any good, its own form is as good as an error, and says more.
        return not is_json and not json.weight
    return not is_json


def _asked_for_4(event: Mapping[str, Any]) -> set[str | None]:
    return {_asked(event, "OData-Version"), _asked(event, "OData-MaxVersion")}


def _asked(event: Mapping[str, Any], name: str) -> str | None:
    """A version as a header says it, without what some clients put behind it: `4.0;NetFx`."""
    given = header(event, name)
    return None if given is None else given.partition(";")[0].strip()
