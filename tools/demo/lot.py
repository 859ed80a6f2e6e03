"""A production batch with its serials: made, looked up, verified, decommissioned and taken back, printed as a list."""

import csv
import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tools.demo.client import Client, Differs, Json

COLLECTION, PRODUCT = "demo", "olive-oil"
GTIN = "09521234543213"
SERIALS, MORE = 1_000, 500
_PATIENCE = 90.0
_LOOK_ALIKES = str.maketrans("10", "lo")


@dataclass(frozen=True, slots=True)
class Lot:
    """A batch as the run left it.

    Args:
        path: Where it is.
        code: The code of one of its serials.
        link: That serial's GS1 Digital Link.
        quantity: How many serials it has.
    """

    path: str
    id: str
    code: str
    link: str
    quantity: int


def play_lot(client: Client) -> Lot:
    """Takes a batch through its life; raises `Differs` as soon as an answer is not what it must be."""
    id = f"LOT-{datetime.now(UTC):%y%m%d-%H%M%S}"
    batches = f"/admin/collection/{COLLECTION}/product/{PRODUCT}/batch"
    path = f"{batches}/{id}"
    expiry = datetime.now(UTC) + timedelta(days=540)
    lot = {
        "id": id,
        "name": "Extra vergine, first pressing",
        "gtin": GTIN,
        "expiryDate": f"{expiry:%Y-%m-%d}",
        "quantity": SERIALS,
        "data": {"origin": "Liguria"},
        "admin": {"tank": 4},
    }
    made = client.call("POST", batches, json=lot).json()
    _same("the batch made again", client.call("POST", batches, json=lot).json(), made)
    client.call("POST", batches, json={**lot, "name": "Another"}, expect=409)
    public = client.call("GET", f"/public{path.removeprefix('/admin')}", anonymous=True).json()
    _same("what the public view shows of what is private", public.keys() & {"admin", "quantity", "createdAt"}, set())
    serials = _serials(client, path)
    code, link = serials[10]["code"], serials[10]["digitalLink"]
    _look_up(client, path, code)
    _take_out_and_back(client, path, code)
    _grow(client, path, serials)
    _export(client, path)
    return Lot(path, id, code, link, SERIALS + MORE)


def _serials(client: Client, path: str) -> list[Json]:
    page = client.get(f"{path}/getSN", query=[("startIndex", 0), ("count", SERIALS)])
    _same("the number of serials", (page["total"], page["nextStartIndex"]), (SERIALS, None))
    if len({one["code"] for one in page["items"]}) != SERIALS:
        raise Differs("two serials have the same code")
    part = client.get(f"{path}/getSN", query=[("startIndex", 500), ("count", 20)])
    _same("a page from the middle", part["items"], page["items"][500:520])
    return list(page["items"])


def _look_up(client: Client, path: str, code: str) -> None:
    typed = f"{code[:4]}-{code[4:8]} {code[8:]}".lower().translate(_LOOK_ALIKES)
    for place in (path, f"/admin/collection/{COLLECTION}/product/{PRODUCT}", f"/admin/collection/{COLLECTION}"):
        found = client.get(f"{place}/lookupSN/{typed}")
        _same("the serial that was looked up", (found["code"], found["index"]), (code, 10))
    mistyped = code[:3] + ("A" if code[3] != "A" else "B") + code[4:]
    refusal = client.call("GET", f"{path}/lookupSN/{mistyped}", expect=400).json()
    _same("the answer to a mistyped code", refusal["errorCode"], "INVALID_CODE")
    _same("the verification", _verified(client, code), True)


def _take_out_and_back(client: Client, path: str, code: str) -> None:
    body = {"status": "decommissioned", "ranges": [{"startIndex": 0, "count": SERIALS // 2}], "reason": "leaking"}
    change = client.call("POST", f"{path}/serialChange", json=body).json()
    _same("what was decommissioned", change["changed"], SERIALS // 2)
    _same("the verification of what was decommissioned", _verified(client, code), False)
    client.call("DELETE", path, expect=409)
    client.call("POST", f"{path}/serialChange/{change['id']}/undo")
    _same("the verification of what was taken back", _verified(client, code), True)


def _grow(client: Client, path: str, before: list[Json]) -> None:
    client.call("PUT", path, json={"quantity": SERIALS + MORE})
    client.call("PUT", path, json={"quantity": SERIALS}, expect=400)
    grown = client.get(f"{path}/getSN", query=[("startIndex", 0), ("count", SERIALS + MORE)])["items"]
    _same("the old serials of a grown batch", grown[:SERIALS], before)


def _export(client: Client, path: str) -> None:
    export = client.call("POST", f"{path}/export", json={"format": "csv"}, expect=202).json()
    address = f"{path}/export/{export['id']}"
    done = _eventually(lambda: client.get(address), "done")
    rows = list(csv.DictReader(io.StringIO(client.download(done["downloadUrl"]))))
    items = client.get(f"{path}/getSN", query=[("count", SERIALS + MORE)])["items"]
    wanted = [(str(one["index"]), one["code"], one["digitalLink"]) for one in items]
    _same("the exported list", [(row["index"], row["code"], row["digitalLink"]) for row in rows], wanted)


def _verified(client: Client, code: str) -> bool:
    answer = client.call("GET", f"/public/collection/{COLLECTION}/verifySN/{code}", anonymous=True).json()
    return bool(answer["valid"])


def _eventually(ask: Callable[[], Json], status: str) -> Json:
    give_up = time.monotonic() + _PATIENCE
    while (answer := ask())["status"] != status:
        if answer["status"] == "failed" or time.monotonic() > give_up:
            raise Differs(f"the export is {answer['status']} instead of {status}")
        time.sleep(0.5)
    return answer


def _same(what: str, found: Json, wanted: Json) -> None:
    if found != wanted:
        raise Differs(f"{what} is {str(found)[:300]} instead of {str(wanted)[:300]}")
