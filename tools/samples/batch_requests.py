"""Samples of batch requests: their routes, and what follows their changes."""

import json
import re
from collections.abc import Mapping

from batchyard.batch_requests.repository import key_of
from batchyard.batch_requests.rules import BatchRequest
from batchyard.store import items, notices
from tools import aws_events
from tools import sample_world as world
from tools.aws_events import Event
from tools.samples import looks
from tools.samples.sample import ADDRESS, TAKEN, UUID, Sample, http, route

BATCHES = f"/api/v1/channel/{world.MARKETPLACE.pk}/batch_requests/"


def path(batch: BatchRequest) -> str:
    return f"{BATCHES}{batch.pk}/"


def whole(batch: BatchRequest) -> dict[str, object]:
    """A batch request as it is answered."""
    return dict(json.loads(batch.to_json()))


def _change(number: int, before: BatchRequest | None, after: BatchRequest | None) -> Event:
    subject = after or before
    assert subject is not None
    old, new = (items.encode(world.item_of(batch)) if batch else None for batch in (before, after))
    key = items.encode(key_of(subject.channel, subject.pk))
    return aws_events.change(number, key, old, new, subject.modified // 1_000_000)


_CHANGES = aws_events.stream(
    "BatchRequestsTable",
    _change(0, None, world.OPENED),
    _change(1, world.COMMITTED_BEFORE, world.COMMITTED),
    _change(2, world.DONE_BEFORE, world.DONE),
    _change(3, world.DELETED, None),
)
_RECOUNTED: Mapping[int, Mapping[str, int]] = {
    world.MARKETPLACE.pk: {
        "status#initialized": 1,
        "status#commit": 1,
        "status#sent_to_remote": 1,
        "status#done": 1,
        "type#1product#commit": 1,
        "type#1product#done": 1,
        "type#1stock#sent_to_remote": 1,
        "type#2#initialized": 1,
    },
    world.SLOW.pk: {"status#ongoing": 1, "type#1price#ongoing": 1},
}

SAMPLES = {
    "list": route(
        "GET",
        BATCHES,
        http(
            200,
            {
                "count": 4,
                "next": None,
                "previous": None,
                "results": [whole(batch) for batch in (world.OPENED, world.COMMITTED, world.SENT, world.DONE)],
            },
        ),
        repeatable=True,
    ),
    "list.filtered": route(
        "GET",
        f"{BATCHES}?status=commit&status=sent_to_remote&ordering=-modified_date&limit=1",
        http(
            200,
            {
                "count": 2,
                "next": f"{ADDRESS}{BATCHES}"
                "?status=commit&status=sent_to_remote&ordering=-modified_date&limit=1&page=2",
                "previous": None,
                "results": [whole(world.SENT)],
            },
        ),
        repeatable=True,
    ),
    "create": route(
        "POST",
        BATCHES,
        http(
            201,
            {
                "channel": world.MARKETPLACE.pk,
                "status": "initialized",
                "objects": None,
                "remote_batch_id": None,
                "content_type": None,
                "local_batch_id": re.compile(UUID),
            },
            location=re.compile(re.escape(f"{ADDRESS}{BATCHES}") + r"\d{16}/"),
            etag='"1"',
        ),
        looks.how_many,
        5,
        body={"channel": str(world.MARKETPLACE.pk), "status": "done"},
    ),
    "retrieve": route("GET", path(world.COMMITTED), http(200, whole(world.COMMITTED), etag='"2"'), repeatable=True),
    "retrieve.head": route("HEAD", path(world.COMMITTED), http(200, "", etag='"2"'), repeatable=True),
    "retrieve.kept": route(
        "GET",
        path(world.COMMITTED),
        http(304, "", etag='"2"'),
        headers={"If-None-Match": '"1", W/"2"'},
        repeatable=True,
    ),
    "update": route(
        "PUT",
        path(world.COMMITTED),
        http(
            200,
            {
                "pk": world.COMMITTED.pk,
                "status": "commit",
                "objects": [{"pk": 111, "version_date": "2025-09-15T08:19:59.5+02:00", "remote_id": None}],
            },
            etag='"3"',
        ),
        looks.some(world.COMMITTED, "version", "object_count"),
        {"version": 3, "object_count": 1},
        body={
            "channel": world.MARKETPLACE.pk,
            "status": "commit",
            "content_type": "product",
            "objects": [{"pk": 111, "content_type": "product", "version_date": "2025-09-15T08:19:59.5+02:00"}],
        },
        headers={"If-Match": '"2"'},
    ),
    "partial_update": route(
        "PATCH",
        path(world.COMMITTED),
        http(
            200,
            {
                "status": "sent_to_remote",
                "remote_batch_id": "feed-42",
                "content_type": "product",
                "objects": [
                    {"pk": 101, "failed_reason_type": None, "version_date": "2025-09-15T07:55:00Z"},
                    {"pk": 102, "failed_reason_type": None, "version_date": "2025-09-15T07:56:30.250000Z"},
                    {"pk": 103, "failed_reason_type": "channel_app"},
                    {"pk": 104, "failed_reason_type": None, "remote_id": "90104"},
                ],
            },
            etag='"3"',
        ),
        looks.all_of(
            looks.some(world.COMMITTED, "version", "object_count", "failed_count"), looks.log_of(world.COMMITTED)
        ),
        [{"version": 3, "object_count": 4, "failed_count": 1}, "3 products sent\n103: refused by the app\n"],
        body={
            "status": "sent_to_remote",
            "remote_batch_id": "feed-42",
            "objects": [
                {"pk": 103, "content_type": "product", "failed_reason_type": "channel_app"},
                {"pk": 104, "content_type": "product", "remote_id": 90104},
            ],
            "log_file": "3 products sent\n103: refused by the app\n",
        },
        like="batch_requests/update",
    ),
    "partial_update.bad_fields": route(
        "PATCH",
        path(world.COMMITTED),
        http(
            400,
            {"status": ['"bogus" is not a valid choice.'], "objects": {"1": {"pk": ["A valid integer is required."]}}},
        ),
        looks.batch(world.COMMITTED),
        world.COMMITTED,
        body={"status": "bogus", "objects": [{"pk": 1}, {"pk": "one"}]},
        repeatable=True,
    ),
    "delete": route("DELETE", path(world.DONE), http(204), looks.batch(world.DONE)),
    "log_file": route(
        "GET",
        f"{path(world.DONE)}log_file/",
        http(303, location=re.compile(rf"https?://.+/{world.DONE.log_key}\?.*X-Amz-Signature=.+")),
        repeatable=True,
    ),
    "log_file_upload": route(
        "POST",
        f"{path(world.SENT)}log_file/upload/",
        http(
            201,
            {
                "url": re.compile("https?://.+"),
                "fields": {
                    "key": re.compile(f"uploads/{world.SENT.channel}/{world.SENT.pk}/{UUID}"),
                    "policy": str,
                },
                "expires_at": re.compile(r"[-\dT:.]+Z"),
            },
            cache_control="no-store",
        ),
        like="batch_requests/log_file",
    ),
    "tally": Sample(
        _CHANGES,
        TAKEN,
        looks.tallies,
        {
            # One was opened and one left that status again, within this delivery.
            world.MARKETPLACE.pk: {
                "status#commit": 1,
                "status#done": 1,
                "status#ongoing": -1,
                "status#fail": -1,
                "type#1product#commit": 1,
                "type#1product#done": 1,
                "type#1product#ongoing": -1,
                "type#1stock#fail": -1,
            },
            world.SLOW.pk: {},
        },
        repeatable=True,
    ),
    "publish": Sample(
        _CHANGES,
        TAKEN,
        looks.published,
        [
            [
                (world.OPENED.pk, None, "initialized", {"total": 0, "failed": 0, "succeeded": 0}),
                (world.COMMITTED.pk, "initialized", "commit", {"total": 3, "failed": 0, "succeeded": 3}),
                (world.DONE.pk, "ongoing", "done", {"total": 3, "failed": 1, "succeeded": 2}),
                (world.DELETED.pk, "fail", None, {"total": 2, "failed": 0, "succeeded": 2}),
            ],
            [{"key": world.DONE_BEFORE.log_key}],
        ],
    ),
    "attach_log": Sample(
        aws_events.queue("UploadsQueue", aws_events.stored(world.UPLOAD_KEY, world.UPLOADED_LOG)),
        TAKEN,
        looks.all_of(
            looks.some(world.SENT, "version", "status"), looks.log_of(world.SENT), looks.content(world.UPLOAD_KEY)
        ),
        [{"version": 4, "status": "sent_to_remote"}, world.UPLOADED_LOG, None],
        repeatable=True,
    ),
    "attach_log.test": Sample(
        aws_events.queue("UploadsQueue", aws_events.stored_nothing()),
        TAKEN,
        looks.batch(world.SENT),
        world.SENT,
        repeatable=True,
    ),
    "sweep": Sample(
        aws_events.queue(
            "SweepQueue",
            aws_events.stored(world.ORPHAN_KEY, "what a crash left behind"),
            # Told by the change stream: a log file that was let go of, and one that its batch request still points at.
            notices.message(str(world.DONE_BEFORE.log_key)),
            notices.message(str(world.DONE.log_key)),
        ),
        TAKEN,
        looks.all_of(looks.content(world.ORPHAN_KEY), looks.content(str(world.DONE.log_key))),
        [None, world.LOG],
        repeatable=True,
        like="batch_requests/attach_log",
    ),
    "sweep.unreadable": Sample(
        aws_events.queue("SweepQueue", "not JSON", notices.message(world.ORPHAN_KEY)),
        {"batchItemFailures": [{"itemIdentifier": "fb10af1e-e62c-53b4-8cde-3663cb05be4d"}]},
        looks.content(world.ORPHAN_KEY),
        repeatable=True,
    ),
    "fail_stale": Sample(
        aws_events.schedule("batchyard-fail-stale"),
        {"failed": 1},
        looks.all_of(looks.some(world.STANDING_STILL, "status", "version", "objects"), looks.batch(world.SENT)),
        [{"status": "fail", "version": 5, "objects": world.STANDING_STILL.objects}, world.SENT],
    ),
    "recount": Sample(
        aws_events.schedule("batchyard-recount"),
        {"repaired": {str(channel): counts for channel, counts in _RECOUNTED.items()}, "busy": []},
        looks.tallies,
        _RECOUNTED,
        like="batch_requests/fail_stale",
    ),
}
