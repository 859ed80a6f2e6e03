"""Keys and passwords: how they are made and recognized."""

import hashlib
import re
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchyard.errors import NotPermitted
from batchyard.http.caller import Caller
from batchyard.identity import tokens
from batchyard.scope import ACCESSES, Access, Rights, Scope
from batchyard.store import items

texts = st.text(st.characters(codec="utf-8"), max_size=20)


def test_keys_are_long_random_and_safe_in_a_header() -> None:
    keys = {tokens.new_key() for _ in range(200)}
    assert len(keys) == 200
    assert all(re.fullmatch(r"by_[\w-]{43}", key) for key in keys)


def test_public_ids_tell_nothing_and_differ() -> None:
    found = {tokens.new_token_id() for _ in range(200)}
    assert len(found) == 200
    assert all(re.fullmatch(r"tok_[0-9a-f]{16}", one) for one in found)


def test_a_key_is_stored_as_its_hash() -> None:
    assert tokens.digest("by_x") == "351b729d67dbc5b02c837fac6e80ce97470b1315bd5656bc4a4fc6653fc8f4cc"


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("Token by_x", "by_x"),
        ("token by_x", "by_x"),
        ("BEARER by_x", "by_x"),
        ("  Bearer   by_x  ", "by_x"),
        ("Token", ""),
        ("Token ", ""),
        ("Token a b", "a b"),
        ("Basic by_x", None),
        ("by_x", None),
        ("Tokenby_x", None),
        ("", None),
        (None, None),
    ],
)
def test_the_key_of_a_header(header: str | None, key: str | None) -> None:
    assert tokens.key_in(header) == key


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "COST", tokens.Cost(4, 8, 1))


@pytest.mark.usefixtures("cheap")
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts, texts)
def test_a_password_is_verified_and_others_are_refused(password: str, other: str) -> None:
    stored = tokens.hash_password(password)
    assert re.fullmatch(r"\$scrypt\$ln=4,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}", stored)
    assert tokens.is_current(stored)
    assert tokens.verify_password(password, stored)
    assert tokens.verify_password(other, stored) == (other == password)
    assert not tokens.verify_password(password, tokens.nobodys_password())


def test_a_new_hash_costs_what_is_recommended_and_nobodys_the_same() -> None:
    # https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
    stored = tokens.hash_password("a long password")
    for one in (stored, tokens.nobodys_password()):
        assert one.startswith("$scrypt$ln=17,r=8,p=1$")
        assert tokens.is_current(one)
    assert len(stored) == len(tokens.nobodys_password())
    assert tokens.verify_password("a long password", stored)


def test_a_hash_that_others_made_is_read() -> None:
    """The example of passlib's documentation of this format."""
    stored = "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E"
    assert tokens.verify_password("password", stored)
    assert not tokens.verify_password("Password", stored)
    assert not tokens.is_current(stored)


def test_a_hash_that_does_not_name_its_cost_is_read_as_it_was_made() -> None:
    salt = bytes(16)
    stored = f"scrypt${salt.hex()}${hashlib.scrypt(b'old', salt=salt, n=2**14, r=8, p=1, maxmem=2**26).hex()}"
    assert tokens.verify_password("old", stored)
    assert not tokens.verify_password("new", stored)
    assert not tokens.is_current(stored)


@pytest.mark.usefixtures("cheap")
def test_the_same_password_is_stored_differently_each_time() -> None:
    assert tokens.hash_password("s3cret") != tokens.hash_password("s3cret")


scopes = st.builds(
    Scope,
    admin=st.booleans(),
    writes=st.booleans(),
    channels=st.none() | st.frozensets(st.integers(0, 2**63 - 1), max_size=5),
    requests_per_minute=st.none() | st.integers(1, 10**6),
    collections=st.none() | st.frozensets(st.text(st.characters(codec="utf-8"), max_size=10), max_size=5),
    catalogue=st.sampled_from(ACCESSES),
)
callers = st.builds(Caller, user=texts.filter(bool), token=texts.filter(bool), scope=scopes)


@given(callers)
def test_a_caller_survives_the_way_through_the_authorizers_context(caller: Caller) -> None:
    context = caller.to_context()
    assert all(isinstance(value, str) for value in context.values())
    assert context["collections"].isascii()
    assert Caller.from_context({**context, "principalId": "x", "integrationLatency": 3}) == caller


@given(scopes)
def test_a_scope_survives_being_stored(scope: Scope) -> None:
    item = items.decode(items.encode(scope.to_attributes()))
    assert Scope.from_attributes(item) == scope


@given(scopes, scopes, scopes)
def test_a_scope_within_another_may_do_what_both_may(one: Scope, other: Scope, third: Scope) -> None:
    both = one.within(other)
    assert both.reads_catalogue == (one.reads_catalogue and other.reads_catalogue)
    assert both.writes_catalogue == (one.writes_catalogue and other.writes_catalogue)
    assert (both.admin, both.writes) == (one.admin and other.admin, one.writes and other.writes)
    for channel in {0, *(one.channels or ()), *(other.channels or ())}:
        assert both.has_channel(channel) == (one.has_channel(channel) and other.has_channel(channel))
    for collection in {"", *(one.collections or ()), *(other.collections or ())}:
        assert both.has_collection(collection) == (one.has_collection(collection) and other.has_collection(collection))
    # What both leave open stays open.
    assert (both.channels is None) == (one.channels is None and other.channels is None)
    assert (both.collections is None) == (one.collections is None and other.collections is None)
    limits = {one.requests_per_minute, other.requests_per_minute} - {None}
    assert both.requests_per_minute in (limits or {None})
    assert all(limit is None or (both.requests_per_minute or 0) <= limit for limit in limits)
    assert both == other.within(one) == both.within(one) == both.within(other)
    assert one.within(one) == one
    assert one.within(Scope(admin=True)) == one
    assert both.within(third) == one.within(other.within(third))


rights_asked = st.builds(
    Rights,
    channel=st.sampled_from(["", "channel"]),
    collection=st.sampled_from(["", "collection"]),
    admin=st.booleans(),
    every_channel=st.booleans(),
    catalogue=st.booleans(),
    reads=st.booleans(),
)


@given(scopes, scopes, st.sampled_from(["GET", "PUT"]), st.integers(0, 9), rights_asked)
def test_a_scope_within_another_is_permitted_what_both_are(
    one: Scope, other: Scope, method: str, channel: int, rights: Rights
) -> None:
    def permitted(scope: Scope) -> bool:
        try:
            rights.must_be_in(scope, method, {"channel": str(channel), "collection": "shoes"})
        except NotPermitted:
            return False
        return True

    assert permitted(one.within(other)) == (permitted(one) and permitted(other))


def test_an_authorizer_context_without_collections_opens_no_collection() -> None:
    context = Caller("anna", "tok_1", Scope(channels=None, collections=None)).to_context()
    del context["collections"]
    assert Caller.from_context(context).scope.collections == frozenset()


def test_a_stored_token_without_collections_opens_all_if_all_channels_are_open() -> None:
    for channels, collections in ((None, None), (frozenset({5}), frozenset())):
        item = Scope(channels=channels).to_attributes()
        del item["collections"]
        assert Scope.from_attributes(item).collections == collections


def test_a_context_or_stored_token_without_the_catalogue_does_not_open_the_catalogue() -> None:
    scope = Scope(admin=True)
    item = scope.to_attributes()
    context = Caller("anna", "tok_1", scope).to_context()
    del item["catalogue"], context["catalogue"]
    assert Scope.from_attributes(item).catalogue == "none"
    assert Caller.from_context(context).scope.catalogue == "none"
    assert Scope.from_attributes({**item, "catalogue": "all"}).catalogue == "none"


@pytest.mark.parametrize(
    ("catalogue", "writes", "may_read", "may_write"),
    [
        ("none", True, False, False),
        ("read", True, True, False),
        ("write", True, True, True),
        ("write", False, True, False),
    ],
)
def test_rights_of_a_token_to_the_catalogue(catalogue: Access, writes: bool, may_read: bool, may_write: bool) -> None:
    scope = Scope(writes=writes, catalogue=catalogue)
    for permitted, method, reads in (
        (may_read, "GET", False),
        (may_read, "HEAD", False),
        (may_read, "POST", True),
        (may_write, "POST", False),
        (may_write, "DELETE", False),
    ):
        ask = partial(Rights(catalogue=True, reads=reads).must_be_in, scope, method, {})
        if permitted:
            ask()
        else:
            with pytest.raises(NotPermitted):
                ask()


@pytest.mark.parametrize(
    ("collections", "writes", "may_read", "may_write"),
    [
        (None, True, True, True),
        (None, False, True, False),
        (frozenset({"shoes", "a,b"}), True, True, True),
        (frozenset({"shoes"}), False, True, False),
        (frozenset({"shoe", "shoes,hats"}), True, False, False),
        (frozenset(), True, False, False),
    ],
)
def test_rights_of_a_token_in_a_collection(
    collections: frozenset[str] | None, writes: bool, may_read: bool, may_write: bool
) -> None:
    scope = Scope(writes=writes, collections=collections)
    for permitted, method in ((may_read, "GET"), (may_write, "PUT")):
        ask = partial(Rights(collection="id").must_be_in, scope, method, {"id": "shoes"})
        if permitted:
            ask()
        else:
            with pytest.raises(NotPermitted):
                ask()
