"""Several clients open, change, list and delete batch requests in any order; the model says what each must be told.

Between their requests the clock may move on or stand still, the change stream is delivered, late and more than once,
and requests overtake each other: one is answered whole between another's reading and its writing.
"""

import gzip
import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit
from uuid import UUID

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from moto import mock_aws

from batch_requests import fail_stale, tally
from batchyard import clock
from batchyard.batch_requests import recounting
from batchyard.channels import operations as channels
from batchyard.clock import iso
from batchyard.http.caller import Caller
from batchyard.store import blobs
from tests.contract.model import FINISHED, MOVES, Batch, Question, Refused, revised
from tests.support import aws
from tests.support.api import HOST, STAGE, Answer, Api, Context, batches, caller_with
from tests.support.overtaking import before_the_first_commit
from tests.support.streams import Stream, deliver

OPEN, BUSY = 1, 2
STALE_AFTER = 3600
SECOND = 1_000_000
DAY = 24 * 3600 * SECOND
POSITIONS_KEPT = 900 * SECOND
BEGINNING = 1_795_401_019_114_587

CALLERS = {
    "boss": caller_with("anna", "tok_boss", admin=True, writes=True, channels=None),
    "worker": caller_with("berta", "tok_worker", writes=True, channels=frozenset({OPEN})),
    # The same user, logged in again.
    "worker again": caller_with("berta", "tok_again", writes=True, channels=frozenset({OPEN, BUSY})),
    "other": caller_with("carla", "tok_other", writes=True, channels=frozenset({BUSY})),
    "reader": caller_with("dora", "tok_reader", writes=False, channels=None),
}
FORBIDDEN = {"detail": "You do not have permission to perform this action."}
NOT_FOUND = {"detail": "Not found."}

callers = st.sampled_from(sorted(CALLERS))
writers = st.sampled_from(["boss", "boss", "boss", "worker", "worker", "worker again", "other", "reader"])
channel_pks = st.sampled_from([OPEN, OPEN, OPEN, BUSY])
numbers = st.integers(0, 30)
content_types = st.sampled_from(["product", "stock", "product#done", "préis", None])
objects = st.lists(
    st.fixed_dictionaries(
        {"pk": st.integers(1, 3)},
        optional={
            "content_type": st.sampled_from(["product", "stock", None]),
            "failed_reason_type": st.sampled_from(["mapping", "ours", None]),
            "remote_id": st.sampled_from(["A-1", " A-2 ", 17, None]),
            "version_date": st.sampled_from(["2026-11-22T02:50:19.114587Z", "2026-11-22T03:50+01:00", None]),
        },
    ),
    max_size=4,
)
statuses = st.sampled_from(sorted(MOVES))
changes = st.fixed_dictionaries(
    {},
    optional={
        "status": statuses,
        "remote_batch_id": st.sampled_from(["r-1", "r-2", 7, None]),
        "content_type": content_types,
        "objects": st.none() | objects,
        "log_file": st.sampled_from(["sent\n", "sent\nreceived – all\n", "", None]),
        "pk": st.just(7),
        "created_date": st.just("1970-01-01T00:00:00Z"),
        "colour": st.just({"red": [1]}),
    },
)
# Mostly forward, so that a run gets somewhere.
steps = st.sampled_from(
    [
        {"status": "commit", "content_type": "product", "objects": [{"pk": 1, "content_type": "product"}]},
        {"status": "commit", "content_type": "stock", "objects": [{"pk": 1, "content_type": "stock"}]},
        {"status": "sent_to_remote", "remote_batch_id": "r-1"},
        {"status": "sent_to_remote", "remote_batch_id": "r-2"},
        {"status": "ongoing"},
        {"status": "done", "objects": [{"pk": 1, "content_type": "product", "failed_reason_type": "remote"}]},
        {"status": "fail", "log_file": "all is lost\n"},
    ]
)
bodies = steps | changes
methods = st.sampled_from(["PATCH", "PUT"])
preconditions = st.sampled_from([None, None, None, "present", "any", "stale", "several", "weak"])
columns = st.sampled_from(["content_type", "status", "modified_date", "created_date", "pk", "colour"]).flatmap(
    lambda name: st.sampled_from([name, f"-{name}"])
)
questions = st.builds(
    Question,
    status=st.just(()) | st.lists(statuses, min_size=1, max_size=3).map(tuple),
    content_type=st.sampled_from([None, None, "product", "stock", "product#done"]),
    ordering=st.just(()) | st.tuples(columns) | st.lists(columns, min_size=2, max_size=3).map(tuple),
    limit=st.sampled_from([1, 2, 3, 20]),
)

NONSENSE: list[tuple[Any, dict[str, Any]]] = [
    ({"status": "bogus"}, {"status": ['"bogus" is not a valid choice.']}),
    ({"status": None, "channel": None}, {n: ["This field may not be null."] for n in ("status", "channel")}),
    ({"channel": "five"}, {"channel": ["A valid integer is required."]}),
    ({"channel": True}, {"channel": ["A valid integer is required."]}),
    ({"content_type": "x" * 256}, {"content_type": ["Ensure this field has no more than 255 characters."]}),
    ({"objects": {}}, {"objects": {"non_field_errors": ['Expected a list of items but got type "dict".']}}),
    (
        {"objects": [{"pk": 1}, {"pk": "x"}, {}, 3], "remote_batch_id": []},
        {
            "objects": {
                "1": {"pk": ["A valid integer is required."]},
                "2": {"pk": ["This field is required."]},
                "3": {"non_field_errors": ["Invalid data. Expected a dictionary, but got int."]},
            },
            "remote_batch_id": ["Not a valid string."],
        },
    ),
    ([], {"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]}),
]


disturbances = st.sampled_from(["delete", "delete", "open", "fail"])


class BatchRequests(RuleBasedStateMachine):
    """The service on moto, and the model beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        variables = aws.environment()
        for name, value in {**aws.CREDENTIALS, **variables, "REQUESTS_PER_MINUTE": "100000"}.items():
            self.patch.setenv(name, value)
        aws.forget()
        aws.create_tables(variables)
        aws.create_bucket(variables)
        aws.create_secret(variables)
        self.now = BEGINNING
        self.patch.setattr(clock, "now", lambda: self.now)
        self.patch.setattr(recounting, "_rest", lambda: None)
        assert channels.create({"name": "Marketplace"}).pk == OPEN
        assert channels.create({"name": "Busy marketplace", "stale_after": STALE_AFTER}).pk == BUSY
        self.stream = Stream()
        # The stream: what is not delivered yet, and the batches in which the rest was.
        self.pending: list[dict[str, Any]] = []
        self.delivered: list[list[dict[str, Any]]] = []
        self.opened: list[Batch] = []
        self.gone: set[int] = set()
        self.moment = 0
        self.active = {OPEN: True, BUSY: True}
        self.replies: dict[tuple[str, int, str], tuple[int, str]] = {}
        self.last_update: tuple[str, Batch, str, dict[str, Any]] | None = None

    def teardown(self) -> None:
        try:
            if self.unread():
                self.deliver(len(self.pending), 0)
            for channel in (OPEN, BUSY):
                self.read_all_pages("boss", channel, Question())
                assert recounting.recount(channel) == {}
        finally:
            self.patch.undo()
            aws.forget()

    @initialize(loads=st.lists(st.lists(steps, max_size=4), min_size=2, max_size=6), busy=st.integers(0, 3))
    def take_some_loads_on_their_way(self, loads: list[list[dict[str, Any]]], busy: int) -> None:
        for number, load in enumerate(loads):
            self.open("boss", BUSY if number % 3 == busy else OPEN, None, text=False)
            for step in load:
                self.update("boss", 1, "PATCH", step, None)

    # What happens by itself.

    @rule(step=st.sampled_from([1, 5_000, 8_192, SECOND, 61 * SECOND, POSITIONS_KEPT, STALE_AFTER * SECOND, DAY]))
    def time_goes_by(self, step: int) -> None:
        self.now += step

    @rule(count=st.integers(1, 6), again=st.integers(0, 3))
    def deliver(self, count: int, again: int) -> None:
        """The stream's next records come, with the last batches in front where their delivery is repeated."""
        self.pending += self.stream.read()
        fresh, self.pending = self.pending[:count], self.pending[count:]
        repeated = self.delivered[len(self.delivered) - again :] if again else []
        batch = [record for earlier in repeated for record in earlier] + fresh
        if batch:
            assert deliver(tally.handler, batch) == {"batchItemFailures": []}
            self.delivered = [*self.delivered[: len(self.delivered) - len(repeated)], batch]

    @rule(wait=st.sampled_from([0, STALE_AFTER * SECOND, STALE_AFTER * SECOND + 1]))
    def stale_ones_fail(self, wait: int) -> None:
        self.now += wait
        before = self.now - STALE_AFTER * SECOND
        stale = [
            batch
            for batch in self.present(BUSY)
            if batch.body["status"] not in FINISHED and batch.body["modified_date"] < iso(before)
        ]
        assert fail_stale.handler({}, Context()) == {"failed": len(stale)}
        for batch in stale:
            self.must_have_changed(batch, {**batch.body, "status": "fail"}, batch.log)

    @rule(channel=channel_pks, active=st.sampled_from([True, True, False]))
    def switch_channel(self, channel: int, active: bool) -> None:
        assert self.ask("boss", "PATCH", f"/api/v1/channels/{channel}/", {"is_active": active}).status == 200
        self.active[channel] = active

    # What clients do.

    @rule(caller=writers, channel=channel_pks, key=st.sampled_from([None, None, "k-1", "k-2"]), text=st.booleans())
    def open(self, caller: str, channel: int, key: str | None, text: bool) -> None:
        body = {"channel": str(channel) if text else channel, "status": "done", "pk": 3}
        headers = {} if key is None else {"Idempotency-Key": key}
        answer = self.ask(caller, "POST", batches(channel), body, headers)
        if not self.may_write(caller, channel):
            assert (answer.status, answer.json()) == (403, FORBIDDEN)
            return
        place = (CALLERS[caller].user, channel, str(key))
        replied_at, reply = self.replies.get(place, (0, ""))
        if key is not None and self.now // SECOND < replied_at // SECOND + DAY // SECOND:
            assert (answer.status, answer.text) == (201, reply)
            return
        if not self.active[channel]:
            assert (answer.status, answer.json()) == (400, {"channel": ["The channel is not active."]})
            return
        assert answer.status == 201, answer.text
        made = answer.json()
        assert answer.headers["location"] == f"https://{HOST}/{STAGE}{batches(channel, made['pk'])}"
        assert answer.headers["etag"] == '"1"'
        assert made == {
            "pk": made["pk"],
            "channel": channel,
            "local_batch_id": str(UUID(made["local_batch_id"])),
            "remote_batch_id": None,
            "content_type": None,
            "status": "initialized",
            "objects": None,
            "created_date": made["modified_date"],
            "modified_date": made["created_date"],
        }
        assert 0 < made["pk"] < 2**53
        assert all(made["pk"] > batch.pk for batch in self.opened)
        self.moment += 1
        self.opened.append(Batch(made, touched=self.moment))
        if key is not None:
            self.replies[place] = (self.now, answer.text)

    @precondition(lambda self: self.opened)
    @rule(caller=writers, number=numbers, method=methods, body=bodies, condition=preconditions)
    def update(self, caller: str, number: int, method: str, body: dict[str, Any], condition: str | None) -> None:
        batch = self.pick(number)
        tags = self.tags(batch, condition)
        answer = self.ask(caller, method, self.path(batch), body, {"If-Match": tags} if tags else {})
        self.check_update(answer, caller, batch, method, body, holds=condition not in {"stale", "weak"})

    @precondition(lambda self: self.opened)
    @rule(number=numbers, body=steps)
    def advance(self, number: int, body: dict[str, Any]) -> None:
        self.update("boss", number, "PATCH", body, None)

    @precondition(lambda self: self.opened)
    @rule(number=numbers, method=methods, entries=objects)
    def say_what_became_of_objects(self, number: int, method: str, entries: list[dict[str, Any]]) -> None:
        self.update("boss", number, method, {"objects": entries}, None)

    @precondition(lambda self: self.replies)
    @rule(number=numbers, wait=st.sampled_from([0, SECOND, DAY - SECOND, DAY]))
    def open_the_same_again(self, number: int, wait: int) -> None:
        """A client that got no answer asks again with its key, by then with another token."""
        (user, channel, key), (replied_at, _) = sorted(self.replies.items())[number % len(self.replies)]
        self.time_goes_by(max(replied_at + wait - self.now, 0))
        caller = next(name for name in ("boss", "worker again", "other") if CALLERS[name].user == user)
        self.open(caller, channel, key, text=False)

    @precondition(lambda self: self.last_update)
    @rule()
    def repeat(self) -> None:
        """A client that got no answer sends the same again."""
        assert self.last_update is not None
        caller, batch, sent, body = self.last_update
        version = batch.version
        answer = self.ask(caller, sent, self.path(batch), body)
        self.check_update(answer, caller, batch, sent, body)
        assert answer.status == 200
        assert batch.version == version

    @precondition(lambda self: self.opened)
    @rule(caller=writers, number=numbers, method=methods)
    def echo(self, caller: str, number: int, method: str) -> None:
        """A client sends back what it read."""
        batch = self.pick(number)
        read = self.ask("boss", "GET", self.path(batch))
        if read.status == 200:
            version = batch.version
            answer = self.ask(caller, method, self.path(batch), read.json())
            self.check_update(answer, caller, batch, method, read.json())
            assert batch.version == version

    @precondition(lambda self: self.opened)
    @rule(number=numbers, method=methods, nonsense=st.sampled_from(NONSENSE))
    def send_nonsense(self, number: int, method: str, nonsense: tuple[Any, dict[str, Any]]) -> None:
        batch = self.pick(number)
        body, fields = nonsense
        answer = self.ask("boss", method, self.path(batch), body)
        assert (answer.status, answer.json()) == (400, fields)
        self.retrieve("boss", number)

    @precondition(lambda self: self.opened)
    @rule(caller=writers, number=numbers, method=methods)
    def move_to_another_channel(self, caller: str, number: int, method: str) -> None:
        batch = self.pick(number)
        elsewhere = OPEN + BUSY - batch.body["channel"]
        answer = self.ask(caller, method, self.path(batch), {"channel": elsewhere, "status": "fail"})
        if self.may_write(caller, batch.body["channel"]):
            assert (answer.status, set(answer.json())) == (400, {"channel"})
        else:
            assert (answer.status, answer.json()) == (403, FORBIDDEN)
        assert self.ask("boss", "GET", batches(elsewhere, batch.pk)).json() == NOT_FOUND

    @precondition(lambda self: self.opened)
    @rule(caller=writers, number=numbers, condition=preconditions)
    def delete(self, caller: str, number: int, condition: str | None) -> None:
        batch = self.pick(number)
        tags = self.tags(batch, condition)
        answer = self.ask(caller, "DELETE", self.path(batch), None, {"If-Match": tags} if tags else {})
        self.check_delete(answer, caller, batch, holds=condition not in {"stale", "weak"})

    @precondition(lambda self: self.opened)
    @rule(caller=callers, number=numbers)
    def retrieve(self, caller: str, number: int) -> None:
        batch = self.pick(number)
        answer = self.ask(caller, "GET", self.path(batch))
        if self.must_be_readable(answer, caller, batch):
            assert answer.json() == batch.body
            assert answer.headers["etag"] == batch.etag

    @precondition(lambda self: self.opened)
    @rule(caller=callers, number=numbers)
    def read_log(self, caller: str, number: int) -> None:
        batch = self.pick(number)
        answer = self.ask(caller, "GET", self.path(batch) + "log_file/")
        if not self.must_be_readable(answer, caller, batch):
            return
        if batch.log is None:
            assert (answer.status, answer.json()) == (404, {"detail": "The batch request has no log file."})
            return
        assert answer.status == 303
        key = unquote(urlsplit(answer.headers["location"]).path).partition(f"{blobs.bucket()}/")[2] or unquote(
            urlsplit(answer.headers["location"]).path.lstrip("/")
        )
        assert gzip.decompress(blobs.read(key)).decode() == batch.log

    @precondition(lambda self: self.opened)
    @rule(
        callers=st.tuples(writers, writers),
        number=numbers,
        methods=st.tuples(methods, methods | st.just("DELETE")),
        bodies=st.tuples(bodies, bodies),
    )
    def race(
        self,
        callers: tuple[str, str],
        number: int,
        methods: tuple[str, str],
        bodies: tuple[dict[str, Any], dict[str, Any]],
    ) -> None:
        """The second request is answered between the first one's reading and its writing."""
        batch = self.pick(number)
        before = deepcopy(batch)
        answers: list[Answer] = []

        def overtake() -> None:
            answers.append(self.ask(callers[1], methods[1], self.path(batch), bodies[1]))

        with before_the_first_commit(overtake):
            first = self.ask(callers[0], methods[0], self.path(batch), bodies[0])
        if not answers:
            # The first one was refused before it came to writing.
            self.check_update(first, callers[0], batch, methods[0], bodies[0])
            return
        if first.status == 200 and first.headers["etag"] == before.etag:
            # It had nothing to write, so it counts as if it had been there first.
            self.check_update(first, callers[0], batch, methods[0], bodies[0])
            self.check_either(answers[0], callers[1], batch, methods[1], bodies[1])
        else:
            self.check_either(answers[0], callers[1], batch, methods[1], bodies[1])
            self.check_update(first, callers[0], batch, methods[0], bodies[0])

    # Lists.

    @rule(caller=callers, channel=channel_pks, question=questions)
    def read_all_pages(self, caller: str, channel: int, question: Question) -> None:
        """Counts the pages up until `next` is null, and nobody disturbs."""
        expected = question.ordered(filter(question.matches, self.present(channel)))
        exact = not self.pending and not self.unread()
        page = 1
        while True:
            answer = self.ask(caller, "GET", f"{batches(channel)}?{urlencode(question.query(page))}")
            if not self.may_read(caller, channel):
                assert (answer.status, answer.json()) == (403, FORBIDDEN)
                return
            assert answer.status == 200, answer.text
            found = answer.json()
            assert found["results"] == [batch.body for batch in expected[: question.limit]]
            expected = expected[question.limit :]
            assert bool(found["next"]) == bool(expected)
            assert bool(found["previous"]) == (page > 1)
            count = len([batch for batch in self.present(channel) if question.matches(batch)])
            if exact or (page == 1 and not expected):
                assert found["count"] == count
            for name, number in (("next", page + 1), ("previous", page - 1)):
                if found[name]:
                    self.must_lead_to(found[name], channel, question, number)
            if not expected:
                break
            page += 1
        answer = self.ask(caller, "GET", f"{batches(channel)}?{urlencode(question.query(page + 1))}")
        assert (answer.status, answer.json()) == (404, {"detail": "Invalid page."})

    @rule(ordering=st.lists(columns, min_size=1, max_size=2).map(tuple), limit=st.sampled_from([2, 20]))
    def sort(self, ordering: tuple[str, ...], limit: int) -> None:
        self.read_all_pages("boss", OPEN, Question(ordering=ordering, limit=limit))

    @precondition(lambda self: self.opened)
    @rule(channel=channel_pks, question=questions, page=st.integers(1, 9))
    def jump(self, channel: int, question: Question, page: int) -> None:
        """A client that never asked before asks for some page."""
        expected = question.ordered(filter(question.matches, self.present(channel)))
        expected = expected[question.limit * (page - 1) : question.limit * page]
        self.moment += 1
        stranger = caller_with("eva", f"tok_{self.moment}", channels=None)
        target = f"{batches(channel)}?{urlencode(question.query(page))}"
        answer = self.ask_as(stranger, "GET", target)
        if expected or page == 1:
            assert answer.json()["results"] == [batch.body for batch in expected]
        else:
            assert (answer.status, answer.json()) == (404, {"detail": "Invalid page."})

    @rule(question=questions, others=st.lists(st.tuples(disturbances, numbers), min_size=1, max_size=6))
    def go_through_pages(self, question: Question, others: list[tuple[str, int]]) -> None:
        """Counts the pages up while others write: whatever they leave alone comes once, in its place."""
        self.moment += 1
        begun = self.moment
        # The position in a list belongs to who goes through it.
        walker = caller_with("fanny", f"tok_walk_{begun}", channels=None)
        seen: list[int] = []
        page: int | None = 1
        while page is not None:
            here = {batch.pk: batch for batch in self.present(OPEN) if question.matches(batch)}
            answer = self.ask_as(walker, "GET", f"{batches(OPEN)}?{urlencode(question.query(page))}")
            if answer.status == 404 and page > 1:
                # What there was on this page has gone meanwhile.
                break
            assert answer.status == 200, answer.text
            found = answer.json()
            assert len(found["results"]) <= question.limit
            for body in found["results"]:
                assert body == here[body["pk"]].body
                seen.append(body["pk"])
            page = page + 1 if found["next"] else None
            for disturbance, number in others[:2]:
                self.disturb(disturbance, number)
            others = others[2:]
        undisturbed = [
            batch.pk
            for batch in question.ordered(filter(question.matches, self.present(OPEN)))
            if batch.touched < begun
        ]
        assert [pk for pk in seen if pk in undisturbed] == undisturbed

    def disturb(self, disturbance: str, number: int) -> None:
        if disturbance == "delete":
            # From the beginning: there, it moves all that follow.
            present = self.present(OPEN)
            if present:
                batch = present[number % 3 % len(present)]
                answer = self.ask("boss", "DELETE", self.path(batch))
                self.check_delete(answer, "boss", batch)
        elif disturbance == "open":
            self.open("boss", OPEN, None, text=False)
        else:
            self.update("boss", number, "PATCH", {"status": "fail"}, None)

    # What they must be told.

    def check_either(self, answer: Answer, caller: str, batch: Batch, method: str, body: Mapping[str, Any]) -> None:
        if method == "DELETE":
            self.check_delete(answer, caller, batch)
        else:
            self.check_update(answer, caller, batch, method, dict(body))

    def check_update(
        self, answer: Answer, caller: str, batch: Batch, method: str, body: dict[str, Any], *, holds: bool = True
    ) -> None:
        self.last_update = None
        if not self.may_write(caller, batch.body["channel"]):
            assert (answer.status, answer.json()) == (403, FORBIDDEN)
            return
        if batch.pk in self.gone:
            assert (answer.status, answer.json()) == (404, NOT_FOUND)
            return
        try:
            wanted, log = revised(batch, body, whole=method == "PUT")
        except Refused:
            assert answer.status == 400
            (said,) = answer.json()["status"]
            assert f'"{batch.body["status"]}"' in said
            return
        if wanted == batch.body and log == batch.log:
            assert (answer.status, answer.json()) == (200, batch.body)
            assert answer.headers["etag"] == batch.etag
        elif not holds:
            assert (answer.status, answer.json()) == (412, {"detail": "The resource has changed since it was read."})
            return
        else:
            assert answer.status == 200, answer.text
            self.must_have_changed(batch, wanted, log, answer)
        self.last_update = (caller, batch, method, body)

    def must_have_changed(
        self, batch: Batch, wanted: dict[str, Any], log: str | None, answer: Answer | None = None
    ) -> None:
        told = answer or self.ask("boss", "GET", self.path(batch))
        modified = told.json()["modified_date"]
        assert modified > batch.body["modified_date"]
        assert modified >= iso(self.now)
        assert told.json() == {**wanted, "modified_date": modified}
        self.moment += 1
        self.last_update = None
        batch.body, batch.log, batch.version, batch.touched = told.json(), log, batch.version + 1, self.moment
        assert told.headers["etag"] == batch.etag

    def check_delete(self, answer: Answer, caller: str, batch: Batch, *, holds: bool = True) -> None:
        self.last_update = None
        if not self.may_write(caller, batch.body["channel"]):
            assert (answer.status, answer.json()) == (403, FORBIDDEN)
        elif batch.pk in self.gone:
            assert (answer.status, answer.json()) == (404, NOT_FOUND)
        elif not holds:
            assert (answer.status, answer.json()) == (412, {"detail": "The resource has changed since it was read."})
        else:
            assert (answer.status, answer.text) == (204, "")
            self.gone.add(batch.pk)

    def must_be_readable(self, answer: Answer, caller: str, batch: Batch) -> bool:
        if not self.may_read(caller, batch.body["channel"]):
            assert (answer.status, answer.json()) == (403, FORBIDDEN)
            return False
        if batch.pk in self.gone:
            assert (answer.status, answer.json()) == (404, NOT_FOUND)
            return False
        return True

    def must_lead_to(self, url: str, channel: int, question: Question, page: int) -> None:
        parts = urlsplit(url)
        assert (parts.scheme, parts.netloc, parts.path) == ("https", HOST, f"/{STAGE}{batches(channel)}")
        wanted = [(name, value) for name, value in question.query(page) if (name, value) != ("page", "1")]
        assert sorted(parse_qsl(parts.query)) == sorted(wanted)

    # How they do it.

    def ask(
        self, caller: str, method: str, target: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        return self.ask_as(CALLERS[caller], method, target, body, headers)

    def ask_as(
        self, caller: Caller, method: str, target: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        answer = Api(caller)(method, target, body, headers=headers)
        assert "log_file" not in (json.loads(answer.text) if answer.text.startswith("{") else {})
        return answer

    def may_read(self, caller: str, channel: int) -> bool:
        allowed = CALLERS[caller].scope.channels
        return allowed is None or channel in allowed

    def may_write(self, caller: str, channel: int) -> bool:
        return self.may_read(caller, channel) and CALLERS[caller].scope.writes

    def present(self, channel: int) -> Sequence[Batch]:
        return [b for b in self.opened if b.body["channel"] == channel and b.pk not in self.gone]

    def pick(self, number: int) -> Batch:
        """A batch request; mostly one that was not deleted, and a young one."""
        present = [batch for batch in self.opened if batch.pk not in self.gone]
        chosen = present if present and number % 6 else self.opened
        return chosen[-1 - number // 6 % len(chosen)]

    def path(self, batch: Batch) -> str:
        return batches(batch.body["channel"], batch.pk)

    def tags(self, batch: Batch, condition: str | None) -> str | None:
        return {
            None: None,
            "present": batch.etag,
            "any": "*",
            "stale": f'"{batch.version - 1}"',
            "several": f'"0",{batch.etag} , "99"',
            "weak": f"W/{batch.etag}",
        }[condition]

    def unread(self) -> bool:
        self.pending += self.stream.read()
        return bool(self.pending)


def test_batch_requests_behave_like_the_model() -> None:
    with mock_aws():
        run_state_machine_as_test(
            BatchRequests,
            settings=settings(
                settings.get_profile("contract"),
                stateful_step_count=40,
                phases=[Phase.generate, Phase.shrink],
            ),
        )
