"""ULIDs: they sort by their moments, and follow from what they are made of."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchyard import ulids
from batchyard.user_ids import user_id

FORM = re.compile("[0-7][0-9A-HJKMNP-TV-Z]{25}")
moments = st.integers(0, 2**48 * 1000 - 1)
chances = st.binary(min_size=10, max_size=10)


def test_the_example_of_the_specification() -> None:
    # https://github.com/ulid/spec: the moment 1469918176385 is `01ARYZ6S41`.
    made = ulids.ulid(1469918176385_000, bytes(10))
    assert made == "01ARYZ6S41" + "0" * 16
    assert ulids.ulid((2**48 - 1) * 1000, b"\xff" * 10) == "7" + "Z" * 25


@given(moments, chances)
def test_a_moment_comes_back_in_milliseconds(moment_us: int, chance: bytes) -> None:
    made = ulids.ulid(moment_us, chance)
    assert FORM.fullmatch(made)
    assert ulids.moment_us(made) == moment_us // 1000 * 1000


@given(moments, moments, chances, chances)
def test_they_sort_by_moment_and_then_by_chance(one: int, other: int, some: bytes, others: bytes) -> None:
    by_text = ulids.ulid(one, some) < ulids.ulid(other, others)
    assert by_text == ((one // 1000, some) < (other // 1000, others))


@given(st.binary(min_size=16, max_size=40))
def test_one_of_a_digest_is_the_same_each_time(digest: bytes) -> None:
    made = ulids.ulid_of(digest)
    assert FORM.fullmatch(made)
    assert made == ulids.ulid_of(digest[:16])


@pytest.mark.parametrize("text", ["", "0" * 25, "0" * 27, "8" + "0" * 25, "I" * 26, "o" * 26, "0" * 25 + "é", "%" * 26])
def test_what_is_no_ulid_has_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match=r"ULID|substring"):
        ulids.moment_us(text)


def test_a_user_has_one_id_and_nobody_elses() -> None:
    assert user_id("anna") == user_id("anna") == "usr_3B8CFYQAD0KXNY0KVMVZ0A1GSY"
    assert len({user_id(name) for name in ("anna", "Anna", "anna ", "", "bert")}) == 5
