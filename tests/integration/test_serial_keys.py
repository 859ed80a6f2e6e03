"""The keys of serial numbers: kept, rotated without losing what was printed, and never shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from batchyard.errors import Conflict, Unavailable
from batchyard.serial_codes import keys
from batchyard.serial_codes.codes import Place
from batchyard.store import clients
from tests.integration.conftest import Calls, noting

GET, PUT = "secretsmanager.GetSecretValue", "secretsmanager.PutSecretValue"


@pytest.fixture(autouse=True)
def beginning(at: Callable[[float], None]) -> None:
    at(0)


@pytest.fixture
def calls(stores: dict[str, str]) -> Iterator[Calls]:
    """Notes the calls of Secrets Manager that are made from here on."""
    with noting(clients.secretsmanager()) as noted:
        yield noted


@pytest.fixture
def unreachable(stores: dict[str, str]) -> Iterator[Callable[[], None]]:
    """Cuts Secrets Manager off, from when it is called."""
    events = clients.secretsmanager().meta.events

    def fail(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://secretsmanager")

    yield lambda: events.register("before-send", fail)
    events.unregister("before-send", fail)


def secret(stores: dict[str, str]) -> dict[str, Any]:
    found = clients.secretsmanager().get_secret_value(SecretId=stores["SERIAL_KEYS_SECRET"])["SecretString"]
    content: dict[str, Any] = json.loads(found)
    return content


def put(stores: dict[str, str], content: str) -> None:
    clients.secretsmanager().put_secret_value(SecretId=stores["SERIAL_KEYS_SECRET"], SecretString=content)


def left_behind(content: dict[str, Any]) -> str:
    """The ARN of a secret that a deleted stack left."""
    made = clients.secretsmanager().create_secret(Name="of-a-deleted-stack", SecretString=json.dumps(content))
    return made["ARN"]


def test_printed_codes_are_known_again_after_a_stack_was_made_anew(stores: dict[str, str]) -> None:
    keys.rotate()
    [printed] = keys.codes("wines", 10, 2, [7])
    former = left_behind(secret(stores))
    put(stores, json.dumps({"current": 1, "1": "n" * 64}))
    keys.reset()
    # Of 256 random codes one is some index's by chance, so also this one under another key.
    assert keys.find("wines", printed) != Place(2, 7)
    assert keys.restore(former) == 2
    assert keys.find("wines", printed) == Place(2, 7)
    assert secret(stores) == json.loads(clients.secretsmanager().get_secret_value(SecretId=former)["SecretString"])
    # Once more is no matter.
    assert keys.restore(former) == 2


def test_keys_in_use_are_not_lost_to_those_of_another_stack(stores: dict[str, str]) -> None:
    former = left_behind({"current": 1, "1": "o" * 64})
    keys.rotate()
    before = secret(stores)
    with pytest.raises(Conflict):
        keys.restore(former)
    assert secret(stores) == before


def elsewhere(act: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """What another execution environment does, which knows no keys before."""
    with monkeypatch.context() as patch:
        patch.setattr(keys, "_kept", None)
        return act()


def code(collection: str = "spring", index: int = 42, length: int = 10) -> str:
    return keys.codebook(collection, length).codes(keys.current_version(), [index])[0]


@pytest.fixture
def new(stores: dict[str, str], calls: Calls, at: Callable[[float], None], monkeypatch: pytest.MonkeyPatch) -> str:
    """A code of a version that others have added, long enough ago to be looked for."""
    keys.current_version()
    elsewhere(keys.rotate, monkeypatch)
    made: str = elsewhere(code, monkeypatch)
    at(11)
    calls.clear()
    return made


def test_codes_are_read_in_another_environment(stores: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert keys.current_version() == 1
    for length in (8, 10, 19):
        made = code(length=length)
        assert elsewhere(partial(keys.find, "spring", made), monkeypatch) == Place(1, 42)
        assert keys.find("autumn", made) is None


def test_rotation_of_the_serial_key_keeps_old_codes(stores: dict[str, str]) -> None:
    old = code()
    first = secret(stores)["1"]
    assert keys.rotate() == 2
    assert keys.current_version() == 2
    new = code()
    assert new != old
    assert keys.find("spring", old) == Place(1, 42)
    assert keys.find("spring", new) == Place(2, 42)
    content = secret(stores)
    assert content.keys() == {"current", "1", "2"}
    assert (content["current"], content["1"]) == (2, first)
    assert content["2"] != first
    assert len(content["2"]) >= len("no-numbers.") + 43
    assert content["2"].startswith("no-numbers.")
    assert not content["1"].startswith("no-numbers.")


def test_all_16_versions_of_the_serial_key_are_used(stores: dict[str, str]) -> None:
    made = [code()]
    for version in range(2, 17):
        assert keys.rotate() == version
        made.append(code())
    with pytest.raises(Conflict, match="All 16 versions"):
        keys.rotate()
    assert [keys.find("spring", each) for each in made] == [Place(version, 42) for version in range(1, 17)]
    assert len(set(secret(stores).values())) == 17


def test_serial_keys_are_cached_for_five_minutes(calls: Calls, at: Callable[[float], None]) -> None:
    for second in (0, 1, 299):
        at(second)
        assert keys.find("spring", code()) == Place(1, 42)
        assert keys.current_version() == 1
    assert calls == [GET]
    at(301)
    keys.current_version()
    keys.codebook("spring", 10)
    assert calls == [GET, GET]


def test_codebooks_are_cached_until_the_serial_keys_change(stores: dict[str, str], at: Callable[[float], None]) -> None:
    book = keys.codebook("spring", 10)
    at(400)
    assert keys.codebook("spring", 10) is book
    assert keys.codebook("spring", 11) is not book
    keys.rotate()
    assert keys.codebook("spring", 10) is not book


def test_a_key_version_added_elsewhere_is_read_at_once(calls: Calls, new: str) -> None:
    assert keys.find("spring", new) == Place(2, 42)
    assert keys.find("spring", new) == Place(2, 42)
    assert calls == [GET]


def test_codes_of_a_key_version_added_elsewhere_are_made_at_once(calls: Calls, new: str) -> None:
    assert [keys.codes("spring", 10, 2, [42]) for _ in range(2)] == [[new], [new]]
    assert calls == [GET]


def test_codes_of_a_missing_key_version_are_unavailable(calls: Calls, at: Callable[[float], None]) -> None:
    keys.current_version()
    for second in (5, 11, 12):
        at(second)
        with pytest.raises(Unavailable):
            keys.codes("spring", 10, 2, [42])
    assert calls == [GET, GET]
    assert keys.codes("spring", 10, 1, [42]) == [code()]


def test_made_up_key_versions_do_not_cause_a_call_each(calls: Calls, at: Callable[[float], None]) -> None:
    book = keys.codebook("spring", 10)
    guesses = [f"{number:010}0" for number in range(60)]
    guesses = [guess for guess in guesses if book.version_of(guess) != 1]
    for second in range(50):
        at(second)
        assert keys.find("spring", guesses[second]) is None
    # At 0, 10, 20, 30 and 40 seconds.
    assert calls == [GET] * 5


def test_two_concurrent_rotations_add_one_serial_key(stores: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    read = keys._read()
    assert elsewhere(keys.rotate, monkeypatch) == 2
    kept = secret(stores)
    monkeypatch.setattr(keys, "_read", lambda: read)
    with pytest.raises(Conflict, match="Somebody else"):
        keys.rotate()
    assert secret(stores) == kept


def test_cached_serial_keys_work_without_secrets_manager(
    calls: Calls, at: Callable[[float], None], unreachable: Callable[[], None]
) -> None:
    made = code()
    unreachable()
    at(1000)
    assert keys.find("spring", made) == Place(1, 42)
    asked = len(calls)
    assert keys.current_version() == 1
    assert len(calls) == asked
    with pytest.raises(Unavailable):
        keys.rotate()
    keys.reset()
    for act in (keys.current_version, lambda: keys.codebook("spring", 10), lambda: keys.find("spring", made)):
        with pytest.raises(Unavailable):
            act()


def test_a_missing_secret_is_a_defect(stores: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERIAL_KEYS_SECRET", "nowhere")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        keys.current_version()


@pytest.mark.parametrize(
    "content",
    [
        "unspeakable",
        '["unspeakable"]',
        '{"1": "%s"}' % ("unspeakable" * 4),
        '{"current": "1", "1": "unspeakable"}',
        '{"current": "2", "1": "%s"}' % ("unspeakable" * 4),
        '{"current": "1", "1": 5}',
        '{"current": "1", "1": "%s", "unspeakable": ""}' % ("unspeakable" * 4),
    ],
)
def test_a_malformed_secret_is_not_shown(stores: dict[str, str], content: str) -> None:
    put(stores, content)
    with pytest.raises(RuntimeError, match="does not hold what it should") as told:
        keys.current_version()
    assert told.value.__suppress_context__
    assert "unspeakable" not in str(told.value)


def test_the_repr_of_a_codebook_shows_no_key(stores: dict[str, str]) -> None:
    book = keys.codebook("spring", 10)
    assert "kkk" in secret(stores)["1"]
    assert "kkk" not in repr(keys._kept) + repr(book)
