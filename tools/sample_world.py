"""The small fixed world that the sample events in `events/` speak of.

Nothing in it depends on when or where it is loaded, so that an event written today gets the same answer tomorrow. Its
channels and products have keys far from those that counters hand out, and so stay apart from what else a store holds;
of product batches it has a collection of its own, and keys of its own, which are published here: whoever loads it gives
the functions `VARIABLES` in their environment, and the keys that a deployment really uses stay as they are.
"""

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from botocore.exceptions import ClientError

from batchyard import ulids
from batchyard.actor import Actor
from batchyard.batch_jobs import repository as jobs
from batchyard.batch_jobs.rules import EXPORT as EXPORT_JOB
from batchyard.batch_jobs.rules import PRE_PROCESSED, Job
from batchyard.batch_requests import repository
from batchyard.batch_requests.rules import BatchRequest
from batchyard.catalogue import codec
from batchyard.catalogue.rules import Entity, Price, Product, Variant
from batchyard.channels import repository as channels
from batchyard.channels.rules import Channel
from batchyard.http.caller import Caller
from batchyard.identity import repository as identity
from batchyard.identity import tokens
from batchyard.identity.rules import Token, User
from batchyard.product_batches import repository as product_batches
from batchyard.product_batches import sort_keys
from batchyard.product_batches.exports import repository as exports_repository
from batchyard.product_batches.exports import rules as export_rules
from batchyard.product_batches.exports.rules import Export
from batchyard.product_batches.rules import Block, ProductBatch
from batchyard.product_batches.serials import repository as serials_repository
from batchyard.product_batches.serials.rules import StatusChange, Stretch
from batchyard.product_batches.serials.runs import Run
from batchyard.scope import Scope
from batchyard.serial_codes.codes import Codebook
from batchyard.store import blobs, clients, contents, items
from batchyard.store.blobs import Blob
from batchyard.store.calls import code_of
from batchyard.store.items import Item, Key
from batchyard.store.queries import query
from batchyard.store.tables import BATCH_JOBS, BATCH_REQUESTS, CATALOGUE, IDENTITY, PRODUCT_BATCHES, PRODUCTS
from batchyard.store.unit import Unit, transact
from batchyard.user_ids import user_id


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
CALLER = Caller(TOKEN.user, TOKEN.id, TOKEN.scope)
COLLECTION = "sample-shoes"
READER = Caller(
    USER.name,
    "tok_5a3b1e0000000002",
    Scope(writes=False, channels=frozenset({7001}), collections=frozenset({COLLECTION})),
)

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

# What the user has uploaded. It is of a day to come: two days later it would be gone.

FILE = b"Product Handle;Product Title\r\nrunner;Runner\r\n"
_TO_COME = int(datetime(2099, 9, 15, tzinfo=UTC).timestamp()) * 1_000_000
FILE_KEY = f"files/{user_id(USER.name)}/{ulids.of(_TO_COME, 'files')}/products.csv"
MISSING_FILE_KEY = f"files/{user_id(USER.name)}/{ulids.of(_TO_COME, 'files')}/prices.csv"

# Jobs of the user: one to be worked on, one that waits for its confirmation, and one whose message was lost. They are
# of that day to come: ninety days later they would be forgotten.

JOB = Job(
    id=f"batch_{ulids.of(_TO_COME, 'job')}",
    type=EXPORT_JOB,
    owner=user_id(USER.name),
    user=USER.name,
    context={"filterable_fields": {"handle": ["runner"]}},
    created=_TO_COME,
    updated=_TO_COME,
    look_at=_TO_COME,
    version=1,
)
WAITING_JOB = replace(
    JOB,
    id=f"batch_{ulids.of(_TO_COME + 1000, 'job')}",
    created=_TO_COME + 1000,
    dry_run=True,
    status=PRE_PROCESSED,
    entered={PRE_PROCESSED: _TO_COME + 2000},
    result={"count": 0, "advancement_count": 0, "progress": 0, "stat_descriptors": []},
    state={"phase": "write", "chunks": [], "selected": [], "shape": [[], 0, 0, 0]},
    version=2,
)
LOST_JOB = replace(
    JOB,
    id=f"batch_{ulids.of(_TO_COME + 2000, 'job')}",
    created=_TO_COME + 2000,
    updated=_moment(30),
    look_at=_moment(45),
)
JOBS_THERE = (JOB, WAITING_JOB, LOST_JOB)

# What was made of two shoes, and the serials on them. The master key is published: it is good for this world alone.

VARIABLES = {"SERIAL_KEYS_SECRET": "batchyard-sample-world-serial-keys"}
_MASTER_KEY = "the published serial key of the sample world, for nothing else"
CODES = Codebook({1: _MASTER_KEY.encode()}, COLLECTION)

RUNNER, HIKER = "runner", "hiker"
GTIN = "09521234543213"
LOT = ProductBatch(
    COLLECTION,
    RUNNER,
    "L38",
    {
        "name": "Red runners of September",
        "gtin": GTIN,
        "manufactureDate": "2025-09-12",
        "packagingDate": "2025-09-13T16:30:00+02:00",
        "expiryDate": {"seconds": 3155673600},
        "data": {"colour": "red"},
        "admin": {"line": 4},
        "tags": [{"code": "TAG-1", "claimSetId": "autumn"}, {"code": "TAG-2", "claimSetId": "winter"}],
        "inspector": "Ada",
    },
    blocks=(Block(0, 20, 1, _moment(20)),),
    created=_moment(20),
    updated=_moment(21),
    version=2,
    exports=True,
    actor=Actor(by=USER.name),
)
DRAFT = ProductBatch(
    COLLECTION,
    RUNNER,
    "L39",
    {"name": "Blue runners"},
    status="draft",
    created=_moment(22),
    updated=_moment(22),
    version=1,
)
# The other product has a batch of the same ID, and one without serials.
TWIN = ProductBatch(
    COLLECTION,
    HIKER,
    LOT.id,
    {"name": "Hikers", "tags": [{"code": "TAG-3", "claimSetId": "autumn"}]},
    blocks=(Block(20, 5, 1, _moment(23)),),
    created=_moment(23),
    updated=_moment(23),
    version=1,
)
WITHOUT_SERIALS = ProductBatch(COLLECTION, HIKER, "L37", created=_moment(24), updated=_moment(24), version=1)
PRODUCT_BATCHES_THERE = (WITHOUT_SERIALS, TWIN, LOT, DRAFT)
MISSING_PRODUCT_BATCH = "L99"

# The last five shoes of the lot were spoilt.
SPOILT = StatusChange(
    batch=LOT.key,
    id=f"{_moment(25):014x}5a3b1e01",
    status="decommissioned",
    ranges=((15, 5),),
    before=(Run(15, 19),),
    changed=5,
    left=0,
    by=USER.name,
    at=_moment(25),
    reason="spoilt",
)

# Two exports of the lot: one waits to be written, the other's file is there. They are not of that morning, but of a day
# to come: a week later they would be forgotten.
_ASKED_FOR = int(datetime(2099, 9, 15, tzinfo=UTC).timestamp()) * 1_000_000
EXPORT = Export(
    batch=LOT.key,
    id=f"{_ASKED_FOR:014x}5a3b1e02",
    format="csv",
    total=20,
    created=_ASKED_FOR,
    updated=_ASKED_FOR,
    batch_created=LOT.created,
    domain="https://id.gs1.org",
    fields={"gtin": GTIN},
    version=1,
)
EXPORTED = replace(
    EXPORT,
    id=f"{_ASKED_FOR:014x}5a3b1e01",
    format="ndjson",
    status=export_rules.DONE,
    rows=20,
    size=1900,
    position=None,
    finished=_ASKED_FOR,
    version=2,
)
MISSING_EXPORT = f"{_ASKED_FOR:014x}5a3b1e00"

# What was of them, as the change stream still tells: the lot as a draft, and a serial that was scanned too often.

LOT_BEFORE = replace(LOT, status="draft", updated=LOT.created, version=1)
_SCANS: Item = {
    **sort_keys.scan_key(COLLECTION, 3),
    "scans": 21,
    "first_scan": _moment(28),
    "last_scan": _moment(29),
    "scan_day": _moment(29) // 86_400_000_000,
    "day_scans": 20,
}
SCANNED: tuple[Item, Item] = (
    _SCANS,
    {**_SCANS, "flagged_at": _moment(29), "of_batch": LOT.id, "of_product": RUNNER},
)

# What is over, in a collection of its own: a batch that was removed and left its serials, and one that is to expire.

OUTLET = "sample-outlet"
REMOVED = ProductBatch(
    OUTLET, RUNNER, "L35", blocks=(Block(0, 5, 1, _moment(26)),), created=_moment(26), updated=_moment(26), version=1
)
OVERDUE = ProductBatch(
    OUTLET, RUNNER, "L36", {"expiryDate": "2025-09-14"}, created=_moment(27), updated=_moment(27), version=1
)


# The catalogue.
BOOTS = Product(
    id="prod_01K56E3G80SAMP1E0000000001",
    handle="sample-boots",
    status="published",
    created=_moment(0),
    updated=_moment(30),
    by="batch_01K56E3G80SAMP1E0000000009",
    parent=700_001,
    fields={"title": "Sample boots", "discountable": True},
    options=("Size",),
    variants=(
        Variant("variant_01K56E3G80SAMP1E0000000002", 700_002, {"sku": "SAMPLE-41"}, (Price("eur", 8990),), ("41",)),
        Variant("variant_01K56E3G80SAMP1E0000000003", 700_003, {"sku": "SAMPLE-42"}, (Price("eur", 8990),), ("42",)),
    ),
    version=2,
)
BOOTS_BEFORE = replace(BOOTS, status="draft", updated=BOOTS.created, by="sample-request-1", version=1)
SANDALS = replace(
    BOOTS,
    id="prod_01K56E3G80SAMP1E0000000004",
    handle="sample-sandals",
    fields={"title": "Sample sandals", "discountable": True},
    by="sample-request-2",
    parent=None,
    options=(),
    variants=(Variant("variant_01K56E3G80SAMP1E0000000005", 700_004, {"sku": "SAMPLE-S"}),),
)
STOCKED = Entity(
    id=700_003,
    product=BOOTS.id,
    created=BOOTS.created,
    updated=BOOTS.created,
    stocked=_moment(31),
    by="sample-request-1",
    quantities={0: 12},
    version=2,
    variant=BOOTS.variants[1].id,
    sku="SAMPLE-42",
    stocked_by="sample-request-3",
)
MISSING_PRODUCT = "prod_01K56E3G80SAMP1E0000000006"
ORPHAN_CONTENT_KEY = f"products/{BOOTS.id}/7d0c2a4e-0000-4000-8000-000000000006"
FORMER_CONTENT_KEY = f"products/{BOOTS.id}/7d0c2a4e-0000-4000-8000-000000000007"


def item_of_product(product: Product) -> Item:
    """A product as the store keeps it, its version included."""
    attributes, _ = contents.pack(codec.CONTENT, codec.content(product), lambda: ORPHAN_CONTENT_KEY)
    return codec.encode_product(product, attributes | {"content_size": len(codec.content(product).encode())})


def code_of_serial(batch: ProductBatch, number: int) -> str:
    """The code of one of a batch's serials, by its number within the batch."""
    [(block, first, _)] = batch.places(number, 1)
    return CODES.codes(block.key, [first])[0]


def load() -> None:
    """Puts the world into the stores that the environment names, over what they hold of it."""
    transact(_load_user)
    transact(_load_channels)
    for batch in BATCH_REQUESTS_THERE:
        # Not by the repository, which would count its version on.
        clients.dynamodb().put_item(TableName=BATCH_REQUESTS.name, Item=items.encode(item_of(batch)))
    _load_product_batches()
    _load_jobs()
    _load_products()
    blobs.delete(EXPORT.key)
    _delete_files()
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


def _load_products() -> None:
    dynamodb = clients.dynamodb()
    dynamodb.put_item(TableName=PRODUCTS.name, Item=items.encode(item_of_product(BOOTS)))
    claims = ({**claim, "at": BOOTS.updated, "version": 1} for claim in codec.claims(BOOTS).values())
    for item in (*claims, codec.encode_entity(STOCKED)):
        dynamodb.put_item(TableName=CATALOGUE.name, Item=items.encode(item))


def _load_product_batches() -> None:
    dynamodb = clients.dynamodb()
    wanted = {str(item["sort_key"]): item for item in _product_batch_items()}
    for item in wanted.values():
        dynamodb.put_item(TableName=PRODUCT_BATCHES.name, Item=items.encode(item))
    for item in _outlet_items():
        dynamodb.put_item(TableName=PRODUCT_BATCHES.name, Item=items.encode(item))
    # What else came into the collection. Its own items are not among it: what happens upon the removal of a batch
    # would happen to the batch that is there again.
    for key in _product_batch_keys():
        if key["sort_key"] not in wanted:
            dynamodb.delete_item(TableName=PRODUCT_BATCHES.name, Key=items.encode(key))
    try:
        clients.secretsmanager().create_secret(
            Name=VARIABLES["SERIAL_KEYS_SECRET"], SecretString=json.dumps({"current": 1, "1": _MASTER_KEY})
        )
    except ClientError as error:
        if code_of(error) != "ResourceExistsException":
            raise


def _load_jobs() -> None:
    """Puts the user's jobs there, and removes all others of the user's."""
    dynamodb = clients.dynamodb()
    for id in list(jobs.ids_of(JOB.owner, descending=False, limit=1000)):
        for key in ({"id": id, "part": "job"}, {"id": f"jobs {JOB.owner}", "part": id}):
            dynamodb.delete_item(TableName=BATCH_JOBS.name, Key=items.encode(key))
    dynamodb.delete_item(TableName=BATCH_JOBS.name, Key=items.encode({"id": f"open {JOB.owner}", "part": "jobs"}))
    unit = Unit()
    for job in JOBS_THERE:
        jobs.add(unit, replace(job, version=job.version - 1))
    for _, item in unit.staged(BATCH_JOBS):
        dynamodb.put_item(TableName=BATCH_JOBS.name, Item=items.encode(item or {}))


def _delete_files() -> None:
    """Removes whatever the user has uploaded."""
    s3, bucket = clients.s3(), blobs.bucket()
    for content in s3.list_objects_v2(Bucket=bucket, Prefix=f"files/{user_id(USER.name)}/").get("Contents", []):
        s3.delete_object(Bucket=bucket, Key=content["Key"])


def _product_batch_items() -> list[Item]:
    """The collection as the store keeps it."""
    unit = Unit()
    unused = 0
    for batch in PRODUCT_BATCHES_THERE:
        for block in batch.blocks:
            runs: tuple[Run, ...] = (Run(block.first, block.last),)
            if batch is LOT:
                runs = (Run(0, 14), Run(15, 19, SPOILT.status, SPOILT.id))
            stretch = Stretch(batch.key, batch.length, block.key, runs)
            serials_repository.put_stretch(unit, stretch)
            unused = max(unused, block.last + 1)
    serials_repository.put_change(unit, SPOILT)
    staged = [item for _, item in unit.staged(PRODUCT_BATCHES) if item is not None]
    counter: Item = {"collection_id": COLLECTION, "sort_key": "counter", "next": unused, "version": 1}
    exported = map(exports_repository.encode, (EXPORT, EXPORTED))
    return [*(product_batches.encode(batch) for batch in PRODUCT_BATCHES_THERE), *exported, *staged, counter]


def _outlet_items() -> list[Item]:
    """The other collection as the store keeps it."""
    unit = Unit()
    [block] = REMOVED.blocks
    runs = (Run(0, 2), Run(3, 4, SPOILT.status, SPOILT.id))
    serials_repository.put_stretch(unit, Stretch(REMOVED.key, REMOVED.length, block.key, runs))
    spoilt = replace(SPOILT, batch=REMOVED.key, ranges=((3, 2),), before=(Run(3, 4),), changed=2)
    serials_repository.put_change(unit, spoilt)
    staged = [item for _, item in unit.staged(PRODUCT_BATCHES) if item is not None]
    scans: Item = {**_SCANS, **sort_keys.scan_key(OUTLET, 1)}
    return [product_batches.encode(OVERDUE), *staged, scans]


def _product_batch_keys() -> Iterator[Key]:
    """The keys of whatever is in the collection."""
    request = {
        "TableName": PRODUCT_BATCHES.name,
        "KeyConditionExpression": "collection_id = :collection",
        "ExpressionAttributeValues": items.encode({":collection": COLLECTION}),
        "ConsistentRead": True,
    }
    return map(PRODUCT_BATCHES.key_of, list(query(request)))


def item_of_change(change: StatusChange) -> Item:
    """A change of serials as the store keeps it."""
    unit = Unit()
    serials_repository.put_change(unit, change)
    [(_, item)] = unit.staged(PRODUCT_BATCHES)
    return item or {}


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
        Blob(FILE_KEY, FILE, "text/csv"),
        Blob(ORPHAN_KEY, b"what a crash left behind", "application/zlib"),
        Blob(ORPHAN_CONTENT_KEY, b"what a crash left behind", "application/zlib"),
        Blob(FORMER_CONTENT_KEY, zlib.compress(codec.content(BOOTS_BEFORE).encode()), "application/zlib"),
    ]
