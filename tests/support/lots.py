"""Product batches as the tests make them: lots of wines."""

from typing import Any

from tests.support.api import Api
from tests.support.batch import run_json

GTIN = "09521234543213"
WINES = "wines"
COLLECTION = f"/admin/collection/{WINES}"
PUBLIC = f"/public/collection/{WINES}"
PRODUCT = f"{COLLECTION}/product/barolo"
BATCHES = f"{PRODUCT}/batch"
LOT = f"{BATCHES}/L1"


def make(api: Api, id: str = "L1", product: str = "barolo", **fields: Any) -> dict[str, Any]:
    """A new batch."""
    made = api.post(f"{COLLECTION}/product/{product}/batch", {"id": id, **fields})
    assert made.status == 200, made.text
    return dict(made.json())


def path_of(id: str, product: str = "barolo") -> str:
    """The path of a batch."""
    return f"{COLLECTION}/product/{product}/batch/{id}"


def serials(api: Api, path: str = LOT, start: int = 0, count: int = 10_000) -> list[dict[str, Any]]:
    """A page of a batch's serials."""
    page = api.get(f"{path}/getSN?startIndex={start}&count={count}")
    assert page.status == 200, page.text
    return list(page.json()["items"])


def codes(api: Api, path: str = LOT, start: int = 0, count: int = 10_000) -> list[str]:
    """Their codes."""
    return [serial["code"] for serial in serials(api, path, start, count)]


def statuses(api: Api, path: str = LOT, start: int = 0, count: int = 10_000) -> list[str]:
    """Their statuses."""
    return [serial["status"] for serial in serials(api, path, start, count)]


def change(api: Api, status: str, *ranges: tuple[int, int], path: str = LOT, reason: str | None = None) -> Any:
    """A change of serials by ranges: the number of the first one and how many."""
    body = {"status": status, "ranges": [{"startIndex": start, "count": size} for start, size in ranges]}
    changed = api.post(f"{path}/serialChange", body | ({} if reason is None else {"reason": reason}))
    assert changed.status == 200, changed.text
    return changed.json()


def mistyped(code: str, place: int = 3) -> str:
    """The code with one character mistyped."""
    return f"{code[:place]}{'7' if code[place] != '7' else '8'}{code[place + 1 :]}"


def refusal(status: int, code: str, message: str, /, **details: Any) -> dict[str, Any]:
    """The body of a refusal."""
    return {"code": status, "errorCode": code, "message": message, "details": details}


def invalid(**fields: Any) -> dict[str, Any]:
    """The body of a refusal that names fields."""
    return refusal(400, "VALIDATION_ERROR", "The request is not valid: see details.fields.", fields=fields)


def verify(api: Api, code: str) -> None:
    """Looks a code up in public."""
    assert api.get(f"{PUBLIC}/verifySN/{code}").status == 200


def make_anew(api: Api, *ids: str) -> None:
    """Removes batches and makes others of their IDs, all in one change set."""
    requests = [
        request
        for id in ids
        for request in (
            {"method": "DELETE", "url": f"{BATCHES}/{id}?force=true"},
            {"method": "POST", "url": BATCHES, "body": {"id": id, "quantity": 2, "status": "active"}},
        )
    ]
    answers = run_json(
        api, *({"id": str(number), "atomicityGroup": "all", **one} for number, one in enumerate(requests))
    )
    assert {answer["status"] for answer in answers} == {200}
