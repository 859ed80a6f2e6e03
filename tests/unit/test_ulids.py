"""ULIDs: they sort by their moments, and follow from what they are made of."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchyard import ulids
from batchyard.user_ids import user_id

FORM = re.compile("[0-7][0-9A-HJKMNP-TV-Z]{25}")
moments = st.integers(0, 2**48 * 1000 - 1)


def test_the_example_of_the_ulid_specification() -> None:
    # https://github.com/ulid/spec: the moment 1469918176385 is `01ARYZ6S41`.
    assert ulids.new(1469918176385_999).startswith("01ARYZ6S41")
    assert ulids.moment_us("01ARYZ6S41TSV4RRFFQ69G5FAV") == 1469918176385_000


@given(moments, st.text(st.characters(codec="utf-8")))
def test_the_moment_of_a_ulid_comes_back_in_milliseconds(moment_us: int, name: str) -> None:
    for made in (ulids.new(moment_us), ulids.of(moment_us, name)):
        assert FORM.fullmatch(made)
        assert ulids.moment_us(made) == moment_us // 1000 * 1000
    assert ulids.of(moment_us, name) == ulids.of(moment_us, name) != ulids.of(moment_us, f"{name}x")
    assert ulids.new(moment_us) != ulids.new(moment_us)


@given(moments, moments)
def test_ulids_sort_by_moment(one: int, other: int) -> None:
    if one // 1000 < other // 1000:
        assert ulids.new(one) < ulids.new(other)


@given(st.binary(min_size=16, max_size=40))
def test_a_ulid_of_a_digest_is_the_same_each_time(digest: bytes) -> None:
    made = ulids.of_digest(digest)
    assert FORM.fullmatch(made)
    assert made == ulids.of_digest(digest[:16])


@pytest.mark.parametrize("text", ["", "0" * 25, "0" * 27, "8" + "0" * 25, "I" * 26, "o" * 26, "0" * 25 + "é", "%" * 26])
def test_a_malformed_ulid_has_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match=r"ULID|substring"):
        ulids.moment_us(text)


def test_a_user_has_one_id_and_nobody_elses() -> None:
    assert user_id("anna") == user_id("anna") == "usr_3B8CFYQAD0KXNY0KVMVZ0A1GSY"
    assert len({user_id(name) for name in ("anna", "Anna", "anna ", "", "bert")}) == 5
