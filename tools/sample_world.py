"""The small fixed world that the sample events in `events/` speak of.

Nothing in it depends on when or where it is loaded, so that an event written today gets the same answer tomorrow. Its
channels have primary keys far from those that a counter hands out, and so stay apart from what else a store holds.
"""

import gzip
import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime

from batchyard.batch_requests import repository
from batchyard.batch_requests.rules import BatchRequest
from batchyard.channels import repository as channels
from batchyard.channels.repository import Channel
from batchyard.http.caller import Caller
from batchyard.identity import repository as identity
from batchyard.identity import tokens
from batchyard.identity.repository import Scope, Token, User
from batchyard.store import blobs, clients, items
from batchyard.store.blobs import Blob
from batchyard.store.items import Item
from batchyard.store.tables import BATCH_REQUESTS, IDENTITY
from batchyard.store.unit import Unit, transact


def _moment(minute: int) -> int:
    """A moment on the morning on which everything here happened."""
    return int(datetime(2025, 9, 15, 8, minute, tzinfo=UTC).timestamp()) * 1_000_000


def _objects(*entries: dict[str, object]) -> str:
    """Objects as the store keeps them, with every field."""
    empty = {"pk": None, "failed_reason_type": None, "remote_id": None, "version_date": None, "content_type": None}
    return json.dumps([{**empty, **entry} for entry in entries], separators=(",", ":"))


# Who asks. The password and the key are published: they are good for a store on one's own machine.

PASSWORD = "sample-password"
KEY = "by_sample-key-of-the-sample-world"
USER = User(7001, "sample", "", Scope(admin=True))
TOKEN = Token("tok_5a3b1e0000000001", USER.name, USER.scope, _moment(0), tokens.digest(KEY))
READER = Caller(USER.name, "tok_5a3b1e0000000002", channels=frozenset({7001}))

# Where. A marketplace with loads at every stage, a slow one whose loads may not stand still, and an empty one.

MARKETPLACE = Channel(7001, "Sample marketplace")
SLOW = Channel(7002, "Sample marketplace with a time limit", stale_after=3600)
EMPTY = Channel(7003, "Sample marketplace without loads")
MISSING_CHANNEL = 7009

# What is under way.

OPENED = BatchRequest(
    channel=MARKETPLACE.pk,
    pk=_moment(1),
    local_batch_id="0e5f9a52-1c0f-4f0e-8f3b-5d6d1c1a0001",
    status="initialized",
    modified=_moment(1),
    version=1,
)
COMMITTED = BatchRequest(
    channel=MARKETPLACE.pk,
    pk=_moment(2),
    local_batch_id="0e5f9a52-1c0f-4f0e-8f3b-5d6d1c1a0002",
    status="commit",
    modified=_moment(12),
    version=2,
    content_type="product",
    objects=_objects(
        {"pk": 101, "content_type": "product", "version_date": "2025-09-15T07:55:00Z"},
        {"pk": 102, "content_type": "product", "version_date": "2025-09-15T07:56:30.250000Z"},
        {"pk": 103, "content_type": "product"},
    ),
    object_count=3,
)
SENT = BatchRequest(
    channel=MARKETPLACE.pk,
    pk=_moment(3),
    local_batch_id="0e5f9a52-1c0f-4f0e-8f3b-5d6d1c1a0003",
    status="sent_to_remote",
    modified=_moment(13),
    version=3,
    remote_batch_id="feed-41",
    content_type="stock",
    objects=_objects({"pk": 201, "content_type": "stock"}, {"pk": 202, "content_type": "stock"}),
    object_count=2,
)
LOG = "3 products sent\n103: no category is mapped to it\n"
DONE = BatchRequest(
    channel=MARKETPLACE.pk,
    pk=_moment(4),
    local_batch_id="0e5f9a52-1c0f-4f0e-8f3b-5d6d1c1a0004",
    status="done",
    modified=_moment(14),
    version=5,
    remote_batch_id="feed-40",
    content_type="product",
    objects=_objects(
        {"pk": 101, "content_type": "product", "remote_id": "MP-101"},
        {"pk": 102, "content_type": "product", "remote_id": "MP-102"},
        {"pk": 103, "content_type": "product", "failed_reason_type": "mapping"},
    ),
    object_count=3,
    failed_count=1,
    log_key=f"logs/{MARKETPLACE.pk}/{_moment(4)}/7d0c2a4e-0000-4000-8000-000000000001",
    log_digest=hashlib.sha256(LOG.encode()).hexdigest(),
)
STANDING_STILL = BatchRequest(
    channel=SLOW.pk,
    pk=_moment(5),
    local_batch_id="0e5f9a52-1c0f-4f0e-8f3b-5d6d1c1a0005",
    status="ongoing",
    modified=_moment(15),
    version=4,
    remote_batch_id="feed-39",
    content_type="price",
    objects=_objects({"pk": 301, "content_type": "price"}),
    object_count=1,
)
BATCH_REQUESTS_THERE = (OPENED, COMMITTED, SENT, DONE, STANDING_STILL)
MISSING_BATCH_REQUEST = _moment(9)

# What was, as the change stream still tells.

COMMITTED_BEFORE = replace(
    OPENED, pk=COMMITTED.pk, local_batch_id=COMMITTED.local_batch_id, modified=COMMITTED.pk, version=1
)
DONE_BEFORE = replace(
    DONE,
    status="ongoing",
    modified=_moment(13),
    version=4,
    log_key=f"logs/{MARKETPLACE.pk}/{DONE.pk}/7d0c2a4e-0000-4000-8000-000000000002",
    log_digest=hashlib.sha256(b"3 products sent\n").hexdigest(),
)
DELETED = replace(
    SENT, pk=_moment(6), local_batch_id="0e5f9a52-1c0f-4f0e-8f3b-5d6d1c1a0006", status="fail", modified=_moment(16)
)

# What lies in the bucket: a log file, an upload that waits to become one, and a blob that nothing points at.

UPLOADED_LOG = "2 stocks sent\n2 stocks taken\n"
UPLOAD_KEY = f"uploads/{SENT.channel}/{SENT.pk}/7d0c2a4e-0000-4000-8000-000000000003"
MISSING_UPLOAD_KEY = f"uploads/{SENT.channel}/{SENT.pk}/7d0c2a4e-0000-4000-8000-000000000004"
ORPHAN_KEY = f"objects/{SENT.channel}/{SENT.pk}/7d0c2a4e-0000-4000-8000-000000000005"


def load() -> None:
    """Puts the world into the stores that the environment names, over what they hold of it."""
    transact(_load_user)
    transact(_load_channels)
    for batch in BATCH_REQUESTS_THERE:
        # Not by the repository, which would count its version on.
        clients.dynamodb().put_item(TableName=BATCH_REQUESTS.name, Item=items.encode(item_of(batch)))
    for blob in _blobs():
        blobs.delete(blob.key)
        blobs.write(blob)


def _load_user(unit: Unit) -> None:
    identity.find_user(unit, USER.name)
    identity.put_user(unit, replace(USER, password=tokens.hash_password(PASSWORD)))
    unit.get(IDENTITY, {"id": f"token#{TOKEN.digest}"})
    identity.put_token(unit, TOKEN)


def _load_channels(unit: Unit) -> None:
    for channel in (MARKETPLACE, SLOW, EMPTY):
        channels.exists(unit, channel.pk)
        channels.put(unit, channel)


def item_of(batch: BatchRequest) -> Item:
    """A batch request of this world as the store keeps it: none has more objects than an item can hold."""
    item, blob = repository.encode(batch)
    if blob is not None:
        raise ValueError(f"{batch.pk} has too many objects for a sample")
    return item


def _blobs() -> list[Blob]:
    text = "text/plain; charset=utf-8"
    return [
        Blob(str(DONE.log_key), gzip.compress(LOG.encode(), mtime=0), text, "gzip"),
        Blob(UPLOAD_KEY, UPLOADED_LOG.encode(), text),
        Blob(ORPHAN_KEY, b"what a crash left behind", "application/zlib"),
    ]
