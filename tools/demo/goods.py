"""The catalogue as a file: exported whole and in part, and compared row by row with what was made."""

import csv
import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from batchyard.catalogue.reference import SalesChannel
from batchyard.catalogue.rules import PRODUCT_DEFAULTS, VARIANT_DEFAULTS, Scalar, Variant
from tools import catalogue
from tools.catalogue import Made
from tools.demo.client import Client, Differs, Json

JOBS = "/admin/batch-jobs"
_STATUSES, _TAG = ["draft", "published"], "gift"
_PATIENCE = 120.0
_DIGITS = {"jpy": 0, "kwd": 3}
_PROFILE = {"Product Profile Name": "Default Shipping Profile", "Product Profile Type": "default"}
_MEASURES = {name.title(): name for name in ("weight", "length", "width", "height")}
_CUSTOMS = {
    "HS Code": "hs_code",
    "Origin Country": "origin_country",
    "MID Code": "mid_code",
    "Material": "material",
}
_OF_PRODUCTS = {
    **{name.title(): name for name in ("title", "subtitle", "description", "thumbnail", "type", "discountable")},
    **_MEASURES,
    **_CUSTOMS,
    "Collection Handle": "collection",
    "External Id": "external_id",
}
_OF_VARIANTS = {
    "Title": "title",
    "SKU": "sku",
    "Barcode": "barcode",
    "Allow Backorder": "allow_backorder",
    "Manage Inventory": "manage_inventory",
    **_MEASURES,
    **_CUSTOMS,
}

type Row = dict[str, str]
"""A row without its empty cells, by the titles of its columns."""

type Watch = Callable[[int, int], None]
"""Is told how many products of how many are written."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What the exports showed.

    Args:
        products: How many products were made.
        variants: How many variants these have.
        all: How many products the file has, with those of others.
        size: The file's bytes.
        seconds: From asking for it to having it.
        some: How many of the made ones a filter left.
    """

    products: int
    variants: int
    all: int
    size: int
    seconds: float
    some: int


def play_goods(client: Client, made: Sequence[Made], channels: Mapping[str, SalesChannel], watch: Watch) -> Exported:
    """Exports the catalogue; raises `Differs` as soon as a row is not what it must be.

    Args:
        made: What is in the catalogue, the oldest first; others may be there, too.
        channels: The sales channels by their IDs.
        watch: Is told of the progress.
    """
    begun = time.monotonic()
    job, text = export(client, {}, watch)
    seconds = time.monotonic() - begun
    whole = [row for one in made for row in rows(one, channels)]
    own = {one.product.id for one in made}
    same_rows([row for row in rows_in(text) if row["Product Id"] in own], whole)
    picked = [one for one in made if one.product.status in _STATUSES and _TAG in one.product.tags]
    context = {"filterable_fields": {"status": _STATUSES, "tags": [_TAG]}, "order": "-handle"}
    _, text = export(client, context, watch, dry_run=True)
    picked.sort(key=lambda one: one.product.handle, reverse=True)
    same_rows(
        [row for row in rows_in(text) if row["Product Id"] in own],
        [row for one in picked for row in rows(one, channels)],
    )
    result = job["result"]
    return Exported(len(made), len(whole), result["count"], result["file_size"], seconds, len(picked))


def rows(made: Made, channels: Mapping[str, SalesChannel]) -> list[Row]:
    """The rows that a product must have in a file.

    Args:
        made: The product.
        channels: The sales channels by their IDs.
    """
    product = made.product
    fields = {**PRODUCT_DEFAULTS, **product.fields}
    shared = {
        "Product Id": product.id,
        "Product Handle": product.handle,
        "Product Status": product.status,
        "Product Tags": ",".join(f'"{tag}"' if "," in tag else tag for tag in product.tags),
        "Product Collection Title": catalogue.COLLECTIONS.get(str(fields.get("collection")), ""),
        **_PROFILE,
        **_plain("Product", _OF_PRODUCTS, fields),
        **{f"Image {number} Url": url for number, url in enumerate(product.images, 1)},
    }
    for number, id in enumerate(product.sales_channels, 1):
        shared |= {
            f"Sales Channel {number} Id": id,
            f"Sales Channel {number} Name": channels[id].name,
            f"Sales Channel {number} Description": channels[id].description or "",
        }
    return [
        {title: cell for title, cell in {**shared, **_of_variant(made, variant)}.items() if cell}
        for variant in product.variants
    ]


def _of_variant(made: Made, variant: Variant) -> Row:
    row = {
        "Variant Id": variant.id,
        "Variant Inventory Quantity": str(sum(made.stock.get(variant.entity, {}).values())),
        **_plain("Variant", _OF_VARIANTS, {**VARIANT_DEFAULTS, **variant.fields}),
    }
    for currency, amount, region in variant.prices:
        column = f"Price {currency.upper()}" if region is None else f"Price {region} [{currency.upper()}]"
        row[column] = str(Decimal(amount).scaleb(-_DIGITS.get(currency, 2)))
    for number, (name, value) in enumerate(zip(made.product.options, variant.options, strict=True), 1):
        row |= {f"Option {number} Name": name, f"Option {number} Value": value or ""}
    return row


def _plain(of: str, columns: Mapping[str, str], fields: Mapping[str, Scalar]) -> Row:
    found = {f"{of} {title}": fields.get(field) for title, field in columns.items()}
    return {
        title: str(value).lower() if isinstance(value, bool) else str(value)
        for title, value in found.items()
        if value is not None
    }


def export(client: Client, context: Json, watch: Watch, *, dry_run: bool = False) -> tuple[Json, str]:
    """An export that was followed to its end, and its file."""
    asked = {"type": "product-export", "context": context, "dry_run": dry_run}
    job = client.call("POST", JOBS, json=asked, expect=201).json()["batch_job"]
    address = f"{JOBS}/{job['id']}"
    if dry_run:
        job = _followed_until(client, address, "pre_processed", watch)
        if "file_key" in job["result"]:
            raise Differs("an export that nobody confirmed has a file")
        client.call("POST", f"{address}/confirm")
    job = _followed_until(client, address, "completed", watch)
    asked = {"file_key": job["result"]["file_key"]}
    url = client.call("POST", "/admin/uploads/download-url", json=asked).json()["download_url"]
    text = client.download(url)
    if len(text.encode()) != job["result"]["file_size"]:
        raise Differs(f"the file has {len(text.encode())} bytes instead of {job['result']['file_size']}")
    return job, text


def _followed_until(client: Client, address: str, status: str, watch: Watch) -> Json:
    give_up = time.monotonic() + _PATIENCE
    while True:
        job = client.get(address)["batch_job"]
        if result := job["result"]:
            watch(result.get("advancement_count", 0), result.get("count", 0))
        if job["status"] == status:
            return job
        if job["status"] in ("failed", "canceled") or time.monotonic() > give_up:
            raise Differs(f"the export is {job['status']} instead of {status}: {job['result']}")
        time.sleep(0.2)


def rows_in(text: str) -> Iterator[Row]:
    """The rows of a file."""
    for row in csv.DictReader(io.StringIO(text, newline=""), delimiter=";", strict=True):
        yield {title: cell for title, cell in row.items() if cell}


def same_rows(found: Sequence[Row], wanted: Sequence[Row]) -> None:
    """Raises `Differs` with the first row that is another one."""
    for number, (one, other) in enumerate(zip(found, wanted, strict=False)):
        if one != other:
            wrong = [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]
            told = "; ".join(f"{name} is {one.get(name)!r} instead of {other.get(name)!r}" for name in wrong[:3])
            raise Differs(f"row {number} of the file ({other.get('Variant Id', other.get('Product Handle'))}): {told}")
    if len(found) != len(wanted):
        raise Differs(f"the file has {len(found)} rows instead of {len(wanted)}")
