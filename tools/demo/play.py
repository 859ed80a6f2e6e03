"""One load after the other through its life cycle, every answer compared with what the shop knows."""

import re
import textwrap
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tools.demo.client import Client, Differs, Json, comparing
from tools.marketplace import FULL_LOAD, Load

type Entry = Mapping[str, str | int | None]

_ENTRY_FIELDS = ("content_type", "pk", "version_date", "remote_id", "failed_reason_type")
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
# The log of an upload is attached when the bucket's event has been worked off, not when the upload ends.
_PATIENCE = 90.0
_STEPS = ("initialized", "commit", "sent_to_remote", "ongoing")


@dataclass(slots=True)
class Expected:
    """What the service must know of a batch request by now."""

    channel: int
    pk: int
    local_batch_id: str
    created_date: str
    status: str = "initialized"
    content_type: str | None = None
    remote_batch_id: str | None = None
    objects: dict[tuple[str, int], dict[str, Any]] | None = None

    def merge(self, entries: Iterable[Entry]) -> None:
        objects = self.objects or {}
        for entry in entries:
            full = {name: entry.get(name) for name in _ENTRY_FIELDS}
            if full["remote_id"] is not None:
                full["remote_id"] = str(full["remote_id"])
            objects[full["content_type"], full["pk"]] = full  # type: ignore[index]
        self.objects = objects

    def verify(self, answer: Json) -> None:
        """Raise `Differs` naming the first things that are otherwise in the answer."""
        for name in ("pk", "channel", "local_batch_id", "created_date", "status", "content_type", "remote_batch_id"):
            if name not in answer or answer[name] != getattr(self, name):
                raise Differs(f"{name} is {answer.get(name, 'missing')!r} instead of {getattr(self, name)!r}")
        if "log_file" in answer:
            raise Differs("the log is in an answer, where it never belongs")
        if not _DATE.fullmatch(answer["modified_date"]) or answer["modified_date"] < answer["created_date"]:
            raise Differs(f"modified_date is {answer['modified_date']!r}, created_date {answer['created_date']!r}")
        self._verify_objects(answer["objects"])

    def _verify_objects(self, objects: list[dict[str, Any]] | None) -> None:
        if self.objects is None:
            if objects is not None:
                raise Differs(f"objects is {_short(objects)} where none were sent")
            return
        if objects is None:
            raise Differs(f"objects is null instead of a list of {len(self.objects)}")
        answered = {(entry.get("content_type"), entry["pk"]): entry for entry in objects}
        if len(answered) != len(objects):
            raise Differs(f"{len(objects) - len(answered)} of {len(objects)} objects are there more than once")
        if missing := self.objects.keys() - answered.keys():
            raise Differs(f"{len(missing)} of {len(self.objects)} objects are missing, {sorted(missing)[0]} is one")
        if foreign := answered.keys() - self.objects.keys():
            raise Differs(f"{len(foreign)} objects were never sent, {foreign.pop()} is one")
        for key, wanted in self.objects.items():
            for name, value in wanted.items():
                if answered[key].get(name) != value:
                    raise Differs(f"{name} of object {key} is {answered[key].get(name)!r} instead of {value!r}")


@dataclass(frozen=True, slots=True)
class Played:
    """A load as the run left it, with the service's last answer."""

    load: Load
    answer: Json
    has_log: bool = False


def play(client: Client, load: Load) -> Played:
    """From opening to the status in which the load ends; raises `Differs` as soon as an answer does.

    What else a client does (lose a reply, err) depends on the load's number, so that all of it has a turn.
    """
    with comparing(f"load {load.number} ({load.title})"):
        return _Play(client, load).through()


class _Play:
    def __init__(self, client: Client, load: Load) -> None:
        self._client = client
        self._load = load
        # Whose turn it is: the reply to one of the steps is lost, or a move that is not allowed is tried.
        self._lost = (*_STEPS, load.ends)[load.number % 5] if load.number % 6 else None
        self._tries_refused_moves = load.number % 3 == 0
        # Some clients keep it as text.
        self._channel: int | str = str(client.channel_id) if load.number % 2 else client.channel_id
        self._expected: Expected
        self._path = ""

    def through(self) -> Played:
        load = self._load
        answer = self._open()
        if load.ends == "initialized":
            return self._checked(answer)
        for rows in load.commits:
            entries = [row.entry for row in rows]
            self._expected.content_type = load.content_type
            answer = self._move("commit", {"content_type": load.content_type, "objects": entries}, entries)
        if load.ends == "commit":
            return self._checked(answer)
        self._expected.remote_batch_id = load.remote_batch_id
        answer = self._move("sent_to_remote", {"remote_batch_id": load.remote_batch_id})
        if load.ends == "sent_to_remote":
            return self._checked(answer)
        # Clients that send the whole resource back mean the field that they changed.
        answer = self._move("ongoing", answer if load.number % 4 == 0 else {})
        if self._tries_refused_moves:
            self._refused({"status": "commit", "objects": [load.rows[0].entry]}, answer, "ongoing", "commit")
        if load.refused:
            # The channel reports what it refuses first, and what it accepted when it is done.
            refusals = [outcome.entry for outcome in load.refused]
            self._expected.merge(refusals)
            answer = self._patch({"objects": refusals})
        if load.ends == "ongoing":
            return self._checked(answer)
        return self._finish()

    def _open(self) -> Json:
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        body = {"channel": self._channel}
        answer = self._client.call("POST", self._client.batch_requests, expect=201, json=body, headers=headers).json()
        if self._lost == "initialized":
            again = self._client.call("POST", self._client.batch_requests, expect=201, json=body, headers=headers)
            if again.json() != answer:
                raise Differs(f"the repeated POST answered {_short(again.json())} instead of {_short(answer)}")
        if not _DATE.fullmatch(str(answer["created_date"])):
            raise Differs(f"created_date is {answer['created_date']!r}")
        self._expected = Expected(
            channel=self._client.channel_id,
            pk=int(answer["pk"]),
            local_batch_id=str(uuid.UUID(answer["local_batch_id"])),
            created_date=answer["created_date"],
        )
        self._path = f"{self._client.batch_requests}{answer['pk']}/"
        self._expected.verify(answer)
        return answer

    def _move(self, status: str, body: Mapping[str, Json], entries: Iterable[Entry] = ()) -> Json:
        if entries:
            self._expected.merge(entries)
        self._expected.status = status
        request = {"channel": self._channel, **body, "status": status}
        answer = self._patch(request)
        if self._lost == status:
            again = self._patch(request)
            # A repeated commit is another commit, and may count as a change; any other repeat changes nothing.
            if status != "commit" and again != answer:
                raise Differs(f"a repeated {status} changed something: {_difference(answer, again)}")
            answer = again
        return answer

    def _patch(self, body: Json) -> Json:
        answer = self._client.call("PATCH", self._path, json=body).json()
        self._expected.verify(answer)
        return answer

    def _refused(self, body: Json, before: Json, *words: str) -> None:
        refusal = self._client.call("PATCH", self._path, expect=400, json=body).json()
        said = " ".join(refusal.get("status", ()))
        if any(word not in said for word in words):
            raise Differs(f"the refused move was answered {_short(refusal)}, which does not say {' and '.join(words)}")
        after = self._client.get(self._path)
        if after != before:
            raise Differs(f"a refused move changed something: {_difference(before, after)}")

    def _finish(self) -> Played:
        load = self._load
        upload, at_once, later = len(load.rows) >= FULL_LOAD, load.number % 3 == 0, load.number % 3 == 1
        log = load.log(verbose=upload)
        body: dict[str, Json] = {}
        accepted = [outcome.entry for outcome in load.accepted]
        if accepted:
            body["objects"] = accepted
        if at_once and not upload:
            body["log_file"] = log
        answer = self._move(load.ends, body, accepted)
        if self._tries_refused_moves:
            other = "fail" if load.ends == "done" else "done"
            self._refused({"status": other}, answer, load.ends, other)
        if upload:
            self._upload(log)
            answer = self._client.get(self._path)
        elif later:
            answer = self._patch({"log_file": log})
        has_log = upload or at_once or later
        if has_log:
            self._verify_log(log)
        else:
            self._client.call("GET", f"{self._path}log_file/", expect=404)
        return self._checked(answer, has_log=has_log)

    def _upload(self, log: str) -> None:
        form = self._client.call("POST", f"{self._path}log_file/upload/", expect=201).json()
        if not _DATE.fullmatch(form["expires_at"]):
            raise Differs(f"expires_at is {form['expires_at']!r}")
        self._client.upload(form["url"], form["fields"], log)
        give_up = time.monotonic() + _PATIENCE
        while self._client.call("GET", f"{self._path}log_file/", expect=(303, 404)).is_client_error:
            if time.monotonic() > give_up:
                raise Differs(f"the uploaded log is not attached after {_PATIENCE:.0f} s")
            time.sleep(0.5)

    def _verify_log(self, log: str) -> None:
        url = self._client.call("GET", f"{self._path}log_file/", expect=303).headers["Location"]
        stored = self._client.download(url)
        if stored != log:
            raise Differs(f"the log came back as {len(stored)} characters instead of {len(log)}, or others")

    def _checked(self, last: Json, *, has_log: bool = False) -> Played:
        response = self._client.call("GET", self._path)
        answer = response.json()
        self._expected.verify(answer)
        if answer != last:
            raise Differs(f"it reads otherwise than the last change answered: {_difference(last, answer)}")
        if "ETag" not in response.headers:
            raise Differs("the answer has no ETag")
        return Played(self._load, answer, has_log)


def _difference(before: Json, after: Json) -> str:
    names = [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
    return ", ".join(f"{name} from {_short(before.get(name))} to {_short(after.get(name))}" for name in sorted(names))


def _short(value: Json) -> str:
    return textwrap.shorten(repr(value), 200, placeholder="…")
