"""Conditions of requests in a JSON batch: what they mean, and what is none."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchyard.errors import FailedDependency
from batchyard.odata.conditions import LONGEST, holds

SUCCEEDED = {"1": True, "2": False, "a-b": True, "not": True}


def succeeded(name: str) -> bool:
    return SUCCEEDED[name]


leaves = st.sampled_from(["true", "false", *(f"${name}/$succeeded" for name in SUCCEEDED)])
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds("({})".format, inner),
        st.builds("not {}".format, inner),
        st.builds("{} and {}".format, inner, inner),
        st.builds("{}  or {}".format, inner, inner),
    ),
    max_leaves=20,
)


@given(conditions)
def test_a_condition_means_what_it_means_in_python(condition: str) -> None:
    meaning = re.sub(r"\$([^/]+)/\$succeeded", lambda found: str(SUCCEEDED[found[1]]), condition)
    # In OData `not` binds more strongly than in Python, which makes no difference between `and`, `or` and constants.
    meaning = meaning.replace("true", "True").replace("false", "False")
    assert holds(condition, succeeded) is eval(meaning)


@pytest.mark.parametrize(
    ("condition", "place"),
    [
        ("", 1),
        (" ", 1),
        ("$1", 1),
        ("$1/succeeded", 1),
        ("$1/$succeeded and", 18),
        ("$1/$succeeded $2/$succeeded", 14),
        ("($1/$succeeded", 15),
        ("$1/$succeeded)", 14),
        ("maybe", 1),
        ("not", 4),
        ("true or maybe", 8),
        ("$1/$succeededly", 1),
        ("True", 1),
    ],
)
def test_a_malformed_condition_is_told_with_its_position(condition: str, place: int) -> None:
    with pytest.raises(FailedDependency, match=f"from character {place} on"):
        holds(condition, succeeded)


@pytest.mark.parametrize("condition", [1, True, [], {}, "(" * 2000 + "true" + ")" * 2000, "not " * 1000 + "true"])
def test_odd_conditions_are_refused(condition: object) -> None:
    with pytest.raises(FailedDependency):
        holds(condition, succeeded)


def test_a_long_condition_is_not_read() -> None:
    with pytest.raises(FailedDependency, match=str(LONGEST)):
        holds("true or " * LONGEST + "true", succeeded)


def test_null_is_no_success() -> None:
    assert not holds("null", succeeded)


@given(st.text(alphabet="$1/succed()andortf \t", max_size=200))
def test_any_text_is_a_condition_or_is_refused(text: str) -> None:
    try:
        outcome: object = holds(text, lambda _: True)
    except FailedDependency as refused:
        outcome = refused.detail
    assert outcome in {True, False} or "cannot be read from character" in str(outcome)
