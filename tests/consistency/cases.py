"""Every operation that writes, each once in a channel of its own."""

import base64
import json
import random
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar
from unittest.mock import patch

import batch_requests.attach_log
import batch_requests.fail_stale
from batchyard import clock
from batchyard.batch_requests import recounting
from batchyard.errors import NotFound
from batchyard.identity import operations as identity
from batchyard.identity import tokens
from batchyard.identity.repository import every, find_token
from batchyard.identity.rules import Token
from batchyard.scope import Scope
from batchyard.store import blobs, clients, contents
from batchyard.store.tables import TALLIES
from tests.consistency.world import World, counted, notices_of_s3, queued, sweep
from tests.support.api import Answer, Api, Context, batches

INLINE_BYTES = 2000
"""The most that an item holds here, so that what is large is not slow."""


class Case(ABC):
    """An operation, and what it finds.

    Args:
        world: Where it runs.
    """

    repeats_make_more: ClassVar[bool] = False
    """Whoever repeats it without knowing how the first attempt ended, asks for another one."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.api = world.api
        self.channel = world.api.open_channel(f"Marketplace {uuid.uuid4()}")
        self.again = False
        self.begin()

    def begin(self) -> None:  # noqa: B027 (most cases find nothing else)
        """Makes what the operation finds."""

    @abstractmethod
    def act(self) -> None:
        """The operation; `again` says that it is a repeat by somebody who does not know how the first one ended."""

    def outcome(self) -> Any:
        """What became of it, without what differs between two that were treated alike."""
        return self.world.state(self.channel), self.world.moves(self.channel)

    def made(self) -> int:
        """How many things it made, where a repeat makes another one."""
        return 1

    def end(self) -> None:  # noqa: B027 (most cases leave nothing)
        """Leaves nothing that the next case would find."""


def some(number: int, *, first: int = 0, seed: int = 0, **fields: Any) -> list[dict[str, Any]]:
    """Objects as a client sends them; with a seed they cannot be compressed, some 180 bytes each."""
    source = random.Random(seed)
    return [
        {
            "pk": pk,
            "content_type": "product",
            **({"remote_id": base64.b64encode(source.randbytes(180)).decode()} if seed else {}),
            **fields,
        }
        for pk in range(first, first + number)
    ]


def _done(answer: Answer, status: int = 200) -> Answer:
    assert answer.status == status, answer.text
    return answer


# Batch requests.


class OpenWithKey(Case):
    def act(self) -> None:
        headers = {"Idempotency-Key": "the same"}
        answer = self.api.post(batches(self.channel), {"channel": self.channel}, headers=headers)
        self.answer = _done(answer, 201).json()

    def outcome(self) -> Any:
        (item,) = self.world.items(self.channel)
        assert (self.answer["pk"], self.answer["local_batch_id"]) == (item["pk"], item["local_batch_id"])
        return super().outcome()


class OpenWithoutKey(Case):
    repeats_make_more = True

    def act(self) -> None:
        self.answer = _done(self.api.post(batches(self.channel), {"channel": self.channel}), 201).json()

    def outcome(self) -> Any:
        found = self.world.state(self.channel)
        assert self.answer["pk"] in {item["pk"] for item in self.world.items(self.channel)}
        return found[0], all(other == found[0] for other in found)

    def made(self) -> int:
        return len(self.world.items(self.channel))


class _Update(Case):
    """A change of one batch request, which has ten objects and a log file."""

    method = "PATCH"
    objects = some(10)
    body: ClassVar[dict[str, Any]]

    def begin(self) -> None:
        opened = self.api.open_batch(
            self.channel, status="commit", content_type="product", objects=self.objects, log_file="before"
        )
        self.url = batches(self.channel, opened["pk"])
        self.headers: dict[str, str] = {}

    def act(self) -> None:
        self.answer = _done(self.api(self.method, self.url, self.body, headers=self.headers))

    def outcome(self) -> Any:
        shown = _done(self.api.get(self.url))
        assert (shown.json(), shown.headers["ETag"]) == (self.answer.json(), self.answer.headers["ETag"])
        return super().outcome()


class PatchInline(_Update):
    body: ClassVar[dict[str, Any]] = {
        "status": "sent_to_remote",
        "remote_batch_id": "r-1",
        "objects": some(5, first=8, failed_reason_type="mapping"),
    }


class PatchWithIfMatch(PatchInline):
    def begin(self) -> None:
        super().begin()
        self.headers = {"If-Match": self.api.get(self.url).headers["ETag"]}


class PutInline(_Update):
    method = "PUT"
    body: ClassVar[dict[str, Any]] = {"status": "done", "objects": some(3, first=90)}


class PatchLarge(_Update):
    objects = some(30, seed=1)
    body: ClassVar[dict[str, Any]] = {"status": "sent_to_remote", "objects": some(30, first=20, seed=2)}


class PutSmallForLarge(_Update):
    method = "PUT"
    objects = some(30, seed=3)
    body: ClassVar[dict[str, Any]] = {"objects": some(1)}


class PatchWithLog(_Update):
    body: ClassVar[dict[str, Any]] = {"log_file": "after"}


class PatchLargeWithLog(_Update):
    body: ClassVar[dict[str, Any]] = {"status": "fail", "objects": some(30, seed=4), "log_file": "after"}


class Delete(_Update):
    objects = some(30, seed=5)

    def act(self) -> None:
        answer = self.api.delete(self.url)
        assert answer.status == 204 or (self.again and answer.status == 404), answer.text

    def outcome(self) -> Any:
        assert self.api.get(self.url).status == 404
        return Case.outcome(self)


# Channels.


class CreateChannel(Case):
    repeats_make_more = True

    def begin(self) -> None:
        self.name = f"New {uuid.uuid4()}"

    def act(self) -> None:
        self.answer = _done(self.api.post("/api/v1/channels/", {"name": self.name, "stale_after": 60}), 201).json()

    def outcome(self) -> Any:
        shown = _done(self.api.get(f"/api/v1/channels/{self.answer['pk']}/")).json()
        assert shown == self.answer
        following = self.world.api.open_channel()
        assert following > self.answer["pk"]
        return {name: value for name, value in shown.items() if name not in ("pk", "name")}

    def made(self) -> int:
        listed = json.loads(_done(self.api.get("/api/v1/channels/?limit=100")).text)
        found = listed if isinstance(listed, list) else listed["results"]
        return sum(channel["name"] == self.name for channel in found)


class UpdateChannel(Case):
    def act(self) -> None:
        self.answer = _done(self.api.patch(f"/api/v1/channels/{self.channel}/", {"is_active": False})).json()

    def outcome(self) -> Any:
        shown = _done(self.api.get(f"/api/v1/channels/{self.channel}/")).json()
        assert shown == self.answer
        return shown["is_active"]


class DeleteChannel(Case):
    def act(self) -> None:
        answer = self.api.delete(f"/api/v1/channels/{self.channel}/")
        assert answer.status == 204 or (self.again and answer.status == 404), answer.text

    def outcome(self) -> Any:
        return self.api.get(f"/api/v1/channels/{self.channel}/").status


# Log files that were uploaded.


class AttachLog(_Update):
    objects = some(30, seed=6)

    def begin(self) -> None:
        super().begin()
        self.upload = blobs.new_key(blobs.UPLOADS, self.channel, int(self.url.rstrip("/").rpartition("/")[2]))
        clients.s3().put_object(Bucket=blobs.bucket(), Key=self.upload, Body=b"uploaded " * 1000)

    def act(self) -> None:
        event = queued(notices_of_s3({self.upload}))
        assert batch_requests.attach_log.handler(event, Context()) == {"batchItemFailures": []}

    def outcome(self) -> Any:
        assert not self.world.stored(self.channel, blobs.UPLOADS)
        return Case.outcome(self)


class AttachLogToDeleted(AttachLog):
    def begin(self) -> None:
        super().begin()
        _done(self.api.delete(self.url), 204)


# What follows changes, and schedules.


class _Followed(Case):
    """Batch requests with a history that no stream handler has seen: more of it than is published at once."""

    statuses: tuple[str, ...] = ("commit", "done", "done", "fail")

    def begin(self) -> None:
        for status in self.statuses:
            opened = self.api.open_batch(self.channel, status="commit", objects=some(30, seed=7), log_file=status)
            url = batches(self.channel, opened["pk"])
            _done(self.api.patch(url, {"status": status, "objects": some(1, seed=8), "content_type": status}))
            if status == "fail":
                _done(self.api.delete(url), 204)


class Tally(_Followed):
    def act(self) -> None:
        if self.again:
            # Lambda may deliver a batch again with more at its end.
            self.api.open_batch(self.channel, status="commit")
        self.world.deliver("tally")

    def outcome(self) -> Any:
        return self.world.tallies(self.channel) == counted(self.world.items(self.channel))


class Publish(_Followed):
    def act(self) -> None:
        self.world.deliver("publish")


class Sweep(_Followed):
    statuses = ("commit", "fail")

    def begin(self) -> None:
        super().begin()
        blobs.write(blobs.Blob(blobs.new_key(blobs.OBJECTS, self.channel, 1), b"of nobody", "text/plain"))

    def act(self) -> None:
        sweep(notices_of_s3(self.world.stored(self.channel, blobs.OBJECTS, blobs.LOGS)))


class FailStale(Case):
    def begin(self) -> None:
        self._stale_after(3600)
        self.api.open_batch(self.channel, status="commit", objects=some(30, seed=9))
        self.api.open_batch(self.channel)

    def act(self) -> None:
        with _hours_later(2):
            batch_requests.fail_stale.handler({}, Context())

    def end(self) -> None:
        self._stale_after(None)

    def _stale_after(self, seconds: int | None) -> None:
        _done(self.api.patch(f"/api/v1/channels/{self.channel}/", {"stale_after": seconds}))


class Recount(Case):
    def begin(self) -> None:
        self.api.open_batch(self.channel)
        self.api.open_batch(self.channel, status="commit")
        self.world.follow()
        wrong = {"status#commit": 40, "status#ongoing": 2, "type#1gone#fail": 1}
        for name, number in wrong.items():
            clients.dynamodb().put_item(
                TableName=TALLIES.name,
                Item={"channel": {"N": str(self.channel)}, "tally": {"S": name}, "batch_requests": {"N": str(number)}},
            )

    def act(self) -> None:
        recounting.recount(self.channel)

    def outcome(self) -> Any:
        return self.world.tallies(self.channel)


# Identity.


class LogIn(Case):
    repeats_make_more = True

    def begin(self) -> None:
        self.user = f"user {uuid.uuid4()}"
        identity.create_user(self.user, "a long password", Scope())

    def act(self) -> None:
        body = {"username": self.user, "password": "a long password"}
        self.key = _done(Api(caller=None).post("/api/v1/auth/login/", body)).json()["key"]

    def outcome(self) -> Any:
        token = find_token(self.key)
        assert token is not None
        return token.user == self.user

    def made(self) -> int:
        return len(_tokens_of(self.user))


class CreateUser(Case):
    def begin(self) -> None:
        self.user = f"user {uuid.uuid4()}"

    def act(self) -> None:
        if not self.again or not self._exists():
            identity.create_user(self.user, "a long password", Scope())

    def outcome(self) -> Any:
        return identity.log_in(self.user, "a long password") is not None

    def _exists(self) -> bool:
        try:
            return bool(identity.find_user(self.user))
        except NotFound:
            return False


class DeleteUser(LogIn):
    repeats_make_more = False

    def begin(self) -> None:
        super().begin()
        for _ in range(2):
            identity.create_token(self.user, Scope())

    def act(self) -> None:
        try:
            identity.delete_user(self.user)
        except NotFound:
            assert self.again

    def outcome(self) -> Any:
        return _tokens_of(self.user)

    def made(self) -> int:
        return 1


def _tokens_of(user: str) -> list[Token]:
    return [found for found in every() if isinstance(found, Token) and found.user == user]


@contextmanager
def _hours_later(hours: int) -> Iterator[None]:
    now = clock.now
    with patch.object(clock, "now", lambda: now() + hours * 3600 * 1_000_000):
        yield


@contextmanager
def small_items() -> Iterator[None]:
    """Objects go to S3 when they are larger than `INLINE_BYTES` here, and passwords are hashed in no time."""
    with patch.object(contents, "INLINE_BYTES", INLINE_BYTES), patch.object(tokens, "COST", tokens.Cost(1, 1, 1)):
        yield


CASES: list[type[Case]] = [
    *(OpenWithKey, OpenWithoutKey),
    *(PatchInline, PatchWithIfMatch, PutInline, PatchLarge, PutSmallForLarge, PatchWithLog, PatchLargeWithLog, Delete),
    *(CreateChannel, UpdateChannel, DeleteChannel),
    *(AttachLog, AttachLogToDeleted),
    *(Tally, Publish, Sweep, FailStale, Recount),
    *(LogIn, CreateUser, DeleteUser),
]
