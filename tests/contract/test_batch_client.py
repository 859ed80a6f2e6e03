"""A client of the product batches of the service that this one replaces, as programs use its library, pointed at it.

The library sends plain JSON, writes IDs into paths as `encodeURIComponent` does, sends every parameter as text, and
turns the body of a refusal into an error with its `code`, `errorCode`, `message` and `details`.
"""

from functools import partial
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from batchyard.identity import operations
from batchyard.scope import Scope
from tests.contract.gateway import Gateway
from tests.contract.service import COLLECTION, GTIN, NAME, Service
from tests.support.api import CUSTOM_DOMAIN, DEFAULT_DOMAIN, SAM_LOCAL, Front

PRODUCTS = [
    "barolo",
    # Everything that an ID may hold.
    "_vins:2026@piemonte+langhe,docg&co=1;$(x)'*~.-",
]
BATCHES = ["L1", "lot:7@a+b,c&d", "2026-11-22T02:50:00Z", "a=b;c$'(d)*~_."]


class Refused(Exception):
    """What the library raises: the body of a refusal."""

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__(body["message"])
        self.code: int = body["code"]
        self.error_code: str = body["errorCode"]
        self.details: dict[str, Any] = body["details"]


class Library:
    """The library's product batches.

    Args:
        key: The API key; None where the program has none.
        front: How it reaches the service.
        collection: The collection that the program works with.
        header: The header that it sends the key in.
    """

    def __init__(
        self,
        key: str | None,
        front: Front = DEFAULT_DOMAIN,
        collection: str = COLLECTION,
        header: str = "Authorization",
    ) -> None:
        headers = {} if key is None else {header: f"Bearer {key}" if header == "Authorization" else key}
        self.http = httpx.Client(transport=httpx.WSGITransport(Gateway(front)), base_url=front.base, headers=headers)
        self.collection = collection

    def send(self, method: str, *path: str, body: Any = None, **parameters: Any) -> Any:
        url = "/" + "/".join(map(encode_uri_component, path))
        query = {name: str(value) for name, value in parameters.items() if value is not None}
        answer = self.http.request(method, url, params=query or None, json=body)
        assert answer.headers["content-type"] == "application/json"
        if answer.status_code >= 400:
            refused = Refused(answer.json())
            assert refused.code == answer.status_code
            raise refused
        assert answer.status_code == 200
        return answer.json()

    def _path(self, product: str, *rest: str, of: str = "admin") -> tuple[str, ...]:
        return (of, "collection", self.collection, "product", product, "batch", *rest)

    def create(self, product: str, batch: dict[str, Any]) -> Any:
        return self.send("POST", *self._path(product), body=batch)

    def list(self, product: str) -> Any:
        return self.send("GET", *self._path(product))

    def get(self, product: str, batch: str) -> Any:
        return self.send("GET", *self._path(product, batch))

    def update(self, product: str, batch: dict[str, Any]) -> Any:
        body = {name: value for name, value in batch.items() if name != "id"}
        return self.send("PUT", *self._path(product, batch["id"]), body=body)

    def remove(self, product: str, batch: str) -> Any:
        return self.send("DELETE", *self._path(product, batch))

    def get_public(self, product: str, batch: str) -> Any:
        return self.send("GET", *self._path(product, batch, of="public"))

    def get_sn(self, product: str, batch: str, start: int = 0, count: int = 10) -> Any:
        return self.send("GET", *self._path(product, batch, "getSN"), startIndex=start, count=count)

    def lookup_sn(self, code: str, product: str | None = None, batch: str | None = None) -> Any:
        levels = [("product", product), ("batch", batch)]
        within = [part for kind, id in levels if id is not None for part in (kind, id)]
        return self.send("GET", "admin", "collection", self.collection, *within, "lookupSN", code)

    def search_in_collection(
        self, search: str | None = None, product: str | None = None, limit: int | None = None
    ) -> Any:
        path = ("admin", "collection", self.collection, "batch")
        return self.send("GET", *path, search=search, productId=product, limit=limit)

    def find_in_collection(self, batch: str, product: str | None = None) -> Any:
        return self.send("GET", "admin", "collection", self.collection, "batch", batch, productId=product)

    def get_tags(self, batch: str, claim_set: str | None = None) -> Any:
        path = ("admin", "collection", self.collection, "batch", batch, "tags")
        return self.send("GET", *path, claimSetId=claim_set)


def encode_uri_component(text: str) -> str:
    """As ECMAScript defines it."""
    return quote(text, safe="-_.!~*'()")


@pytest.fixture(params=[DEFAULT_DOMAIN, CUSTOM_DOMAIN, SAM_LOCAL], ids=["stage", "base path", "no stage"])
def front(request: pytest.FixtureRequest) -> Front:
    found: Front = request.param
    return found


@pytest.fixture
def library(service: Service, front: Front, request: pytest.FixtureRequest) -> Library:
    """It works with a collection that nothing is in yet."""
    return Library(service.key, front, f"c+{abs(hash(request.node.name))}")


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("batch", BATCHES)
def test_a_lot_from_its_first_to_its_last_day(library: Library, product: str, batch: str) -> None:
    given = {"id": batch, "name": "Batch of 2026", "expiryDate": {"seconds": 1900000000}, "vendor": {"own": [1, None]}}
    made = library.create(product, given)
    assert given.items() <= made.items()
    assert (made["collectionId"], made["productId"], made["version"]) == (library.collection, product, 1)
    assert library.list(product) == [made]
    assert library.get(product, batch) == made

    changed = library.update(product, {"id": batch, "name": "Renamed"})
    assert changed == {**made, "name": "Renamed", "version": 2, "updatedAt": changed["updatedAt"]}
    assert changed["updatedAt"] > made["updatedAt"]
    # Programs send back what they were given, too.
    assert library.update(product, changed) == changed
    assert library.get(product, batch) == changed

    assert library.remove(product, batch) == {}
    with pytest.raises(Refused) as refused:
        library.get(product, batch)
    assert (refused.value.code, refused.value.error_code) == (404, "NOT_FOUND")
    assert library.list(product) == []


@pytest.mark.parametrize("product", PRODUCTS)
def test_everybody_may_see_a_lot(library: Library, front: Front, product: str) -> None:
    everybody = Library(None, front, library.collection)
    for batch in BATCHES:
        library.create(product, {"id": batch, "quantity": 7, "admin": {"cellar": 4}, "expiryDate": {"seconds": 1}})
        shown = everybody.get_public(product, batch)
        assert (shown["id"], shown["productId"], shown["expiryDate"]) == (batch, product, {"seconds": 1})
        assert shown.keys().isdisjoint({"quantity", "admin", "serialFormat"})
    with pytest.raises(Refused) as refused:
        everybody.get_public(product, "another")
    assert (refused.value.code, refused.value.error_code) == (404, "NOT_FOUND")
    with pytest.raises(Refused) as refused:
        everybody.get(product, BATCHES[0])
    assert (refused.value.code, refused.value.error_code) == (401, "UNAUTHORIZED")


def test_lots_are_found_in_their_collection(library: Library) -> None:
    made = {
        (product, batch): library.create(product, {"id": batch, "name": f"{batch} of {product}"})
        for product in PRODUCTS
        for batch in BATCHES
    }

    def found(**parameters: Any) -> list[Any]:
        return sorted(library.search_in_collection(**parameters), key=str)

    assert found() == sorted(made.values(), key=str)
    for product in PRODUCTS:
        of_product = [made[product, batch] for batch in BATCHES]
        assert found(product=product) == sorted(of_product, key=str)
        assert found(search="LOT:7@A+B,C&D", product=product) == [made[product, BATCHES[1]]]
    assert found(search="=1;$(x)") == sorted((made[PRODUCTS[1], batch] for batch in BATCHES), key=str)
    assert len(found(limit=3)) == 3
    assert found(search="nowhere") == []

    with pytest.raises(Refused) as refused:
        library.find_in_collection(BATCHES[1])
    assert (refused.value.code, refused.value.error_code) == (409, "AMBIGUOUS_BATCH")
    assert sorted(refused.value.details["productIds"]) == sorted(PRODUCTS)
    for product in PRODUCTS:
        assert library.find_in_collection(BATCHES[1], product) == made[product, BATCHES[1]]
    library.remove(PRODUCTS[0], BATCHES[1])
    assert library.find_in_collection(BATCHES[1]) == made[PRODUCTS[1], BATCHES[1]]


def test_tags_of_a_lot(library: Library) -> None:
    tags: list[Any] = [
        {"code": "t/1 +&", "claimSetId": "a&b+c", "tagId": "9"},
        {"code": "t2", "claimSetId": "other", "own": 1},
    ]
    library.create("barolo", {"id": "lot:7@a+b,c&d", "tags": tags})
    library.create("nebbiolo", {"id": "lot:7@a+b,c&d", "tags": tags[:1]})
    of_barolo, of_nebbiolo = (
        [{**tag, "productId": product, "batchId": "lot:7@a+b,c&d"} for tag in tags]
        for product in ("barolo", "nebbiolo")
    )
    assert library.get_tags("lot:7@a+b,c&d") == [*of_barolo, of_nebbiolo[0]]
    assert library.get_tags("lot:7@a+b,c&d", "other") == of_barolo[1:]
    assert library.get_tags("lot:7@a+b,c&d", "a&b+c") == [of_barolo[0], of_nebbiolo[0]]
    assert library.get_tags("nothing") == []


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("batch", BATCHES)
def test_serials_are_printed_and_looked_up(library: Library, product: str, batch: str) -> None:
    library.create(product, {"id": batch, "gtin": GTIN, "lotNumber": "L-7", "quantity": 25})
    pages, start = [], 0
    while start is not None:
        page = library.get_sn(product, batch, start)
        assert (page["startIndex"], page["total"], page["count"]) == (start, 25, len(page["items"]))
        pages.append(page["items"])
        start = page["nextStartIndex"]
    assert list(map(len, pages)) == [10, 10, 5]
    items = [item for page in pages for item in page]
    assert [item["index"] for item in items] == list(range(25))
    assert len({item["code"] for item in items}) == 25

    for item in (items[0], items[24]):
        code = item["code"]
        assert item["digitalLink"] == f"https://id.gs1.org/01/{GTIN}/10/L-7/21/{code}"
        typed = f"{code[:3]}-{code[3:7]} {code[7:]}".lower()
        for level in ((product, batch), (product,), ()):
            for text in (code, typed):
                found = library.lookup_sn(text, *level)
                assert (found["valid"], found["code"], found["index"]) == (True, code, item["index"])
                assert (found["productId"], found["batchId"], found["status"]) == (product, batch, "commissioned")
                assert found["batch"] == library.get(product, batch)
    with pytest.raises(Refused) as refused:
        library.lookup_sn(items[0]["code"][:-1] + "?", product, batch)
    assert (refused.value.code, refused.value.error_code) == (400, "INVALID_CODE")
    library.create(product, {"id": "another"})
    with pytest.raises(Refused) as refused:
        library.lookup_sn(items[0]["code"], product, "another")
    assert (refused.value.code, refused.value.error_code) == (404, "UNKNOWN_SERIAL")
    assert refused.value.details["batchId"] == batch


def test_validation_errors_of_a_lot_are_told_by_field(library: Library) -> None:
    with pytest.raises(Refused) as refused:
        library.create("barolo", {"id": "L1", "gtin": "09521234543214", "quantity": "many"})
    assert (refused.value.code, refused.value.error_code) == (400, "VALIDATION_ERROR")
    assert refused.value.details["fields"].keys() == {"gtin", "quantity"}
    with pytest.raises(Refused) as refused:
        library.create("barolo", {})
    assert refused.value.details["fields"].keys() == {"id"}
    library.create("barolo", {"id": "L1", "name": "One"})
    with pytest.raises(Refused) as refused:
        library.create("barolo", {"id": "L1", "name": "Another"})
    assert (refused.value.code, refused.value.error_code) == (409, "BATCH_EXISTS")
    for missing in (library.get, library.remove, library.get_sn):
        with pytest.raises(Refused) as refused:
            missing("barolo", "L2")
        assert (refused.value.code, refused.value.error_code) == (404, "NOT_FOUND")


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
def test_the_key_may_come_in_either_header(service: Service, front: Front, header: str) -> None:
    made = Library(service.key, front, f"by {header}".replace(" ", "+"), header).create("barolo", {"id": "L1"})
    collection = made["collectionId"]
    reader = operations.create_token(NAME, Scope(writes=False, collections=frozenset({collection})))
    limited = Library(reader, front, collection, header)
    assert limited.get("barolo", "L1") == made
    elsewhere = Library(reader, front, COLLECTION, header)
    for refusing in (partial(limited.remove, "barolo", "L1"), partial(elsewhere.list, "barolo")):
        with pytest.raises(Refused) as refused:
            refusing()
        assert (refused.value.code, refused.value.error_code) == (403, "FORBIDDEN")
    for wrong in ("wrong", service.key[:-1], ""):
        with pytest.raises(Refused) as refused:
            Library(wrong, front, collection, header).get("barolo", "L1")
        assert (refused.value.code, refused.value.error_code) == (401, "UNAUTHORIZED")
