"""What lists, counts and the rules of the house must say once the loads are through."""

import time
from collections.abc import Callable, Iterator, Sequence
from uuid import uuid4

from tools.demo.client import Client, Differs, Json, Query
from tools.demo.play import Played

# The count follows a change within a second or so; a busy emulator takes its time.
_PATIENCE = 60.0
_OPEN = ("sent_to_remote", "ongoing")
_NO_CHANNEL = 2**53 - 1


def count(client: Client, query: Query = ()) -> int:
    return int(client.get(client.batch_requests, query=[*query, ("limit", 1)])["count"])


def newest(client: Client) -> int | None:
    """The primary key of the channel's newest batch request; None where it has none."""
    results = client.get(client.batch_requests, query=[("ordering", "-pk"), ("limit", 1)])["results"]
    return int(results[0]["pk"]) if results else None


def verify_count(client: Client, expected: int) -> None:
    def counted() -> str | None:
        found = count(client)
        return None if found == expected else f"the count is {found} instead of {expected}"

    _eventually(counted)


def verify_newest(client: Client, played: Sequence[Played], *, query: Query = (), limit: int = 20) -> None:
    """The list, newest first, holds each of these loads once and as it was last read."""
    wanted = {one.answer["pk"]: one.answer for one in played}
    found: dict[int, Json] = {}
    for batch in _newest_down_to(client, min(wanted), [*query, ("limit", limit)]):
        if batch["pk"] in found:
            raise Differs(f"batch request {batch['pk']} is in the list twice ({_words(query)})")
        for name, value in query:
            if batch[name] != value:
                raise Differs(f"the list of {_words(query)} holds {batch['pk']} with {name} {batch[name]!r}")
        found[batch["pk"]] = batch
    if missing := wanted.keys() - found.keys():
        raise Differs(f"{len(missing)} loads are not in the list ({_words(query)}), {missing.pop()} is one")
    for pk, answer in wanted.items():
        if found[pk] != answer:
            raise Differs(f"batch request {pk} is otherwise in the list ({_words(query)}) than by itself")


def verify_open(client: Client, played: Sequence[Played]) -> None:
    """What waits for the channel, as a poller asks for it: two statuses at once, oldest first, page by page."""
    statuses = [("status", status) for status in _OPEN]
    wanted = {one.answer["pk"] for one in played if one.load.ends in _OPEN}
    query: Query = [*statuses, ("limit", min(100, max(2, count(client, statuses) // 5)))]
    pages: list[Json] = []

    def counted() -> str | None:
        pages[:] = client.pages(query)
        batches = sum(len(page["results"]) for page in pages)
        wrong = {page["count"] for page in pages} - {batches}
        return f"the count is {wrong.pop()} where the pages hold {batches}" if wrong else None

    _eventually(counted)
    batches = [batch for page in pages for batch in page["results"]]
    pks = [batch["pk"] for batch in batches]
    if pks != sorted(set(pks)):
        raise Differs("the pages of what waits for the channel are out of order, or overlap")
    if strangers := [batch["pk"] for batch in batches if batch["status"] not in _OPEN]:
        raise Differs(f"batch request {strangers[0]} is among those that wait for the channel")
    if missing := wanted - set(pks):
        raise Differs(f"{len(missing)} loads are not among those that wait for the channel, {missing.pop()} is one")
    if pages[0]["previous"] is not None:
        raise Differs(f"the first page has a previous one: {pages[0]['previous']}")
    if len(pages) > 1 and client.get(pages[0]["next"])["results"] != pages[1]["results"]:
        raise Differs("the URL in next leads elsewhere than to the second page")


def verify_last_modified_first(client: Client) -> None:
    results = client.get(client.batch_requests, query=[("ordering", "-modified_date"), ("status", "done")])["results"]
    dates = [batch["modified_date"] for batch in results]
    if dates != sorted(dates, reverse=True):
        raise Differs(f"ordering=-modified_date gives {dates}")


def verify_house_rules(client: Client) -> None:
    """What clients rely on besides the loads, tried on a batch request that is deleted in the end."""
    _verify_authentication(client)
    _verify_dead_ends(client)
    key = {"Idempotency-Key": uuid4().hex}
    opened = client.call("POST", client.batch_requests, expect=201, json={"channel": client.channel_id}, headers=key)
    path = f"{client.batch_requests}{opened.json()['pk']}/"
    _same("what Location leads to", client.get(opened.headers["Location"]), opened.json())
    _same("the path without its last slash", client.get(path.rstrip("/")), opened.json())

    etag = {"If-Match": opened.headers["ETag"]}
    lists = [[{"content_type": "order", "pk": pk} for pk in pks] for pks in ((1, 2, 3), (3, 4))]
    commit = {"status": "commit", "content_type": "order"}
    client.call("PATCH", path, json=commit | {"objects": lists[0]}, headers=etag)
    client.call("PATCH", path, expect=412, json=commit | {"objects": lists[1]}, headers=etag)
    _same("the objects after a change that came too late", _pks(client.get(path)), [1, 2, 3])
    whole = {"channel": client.channel_id, "status": "commit", "objects": lists[1]}
    _same("the objects after a full update", _pks(client.call("PUT", path, json=whole).json()), [3, 4])
    wrong = client.call("PATCH", path, expect=400, json={"objects": [{"pk": 1}, {"pk": "x"}], "status": "bogus"}).json()
    _same(
        "the errors of a bad body",
        wrong,
        {
            "objects": {"1": {"pk": ["A valid integer is required."]}},
            "status": ['"bogus" is not a valid choice.'],
        },
    )
    broken = client.call("PATCH", path, expect=400, content="{").json()
    _same("the error of broken JSON", str(broken.get("detail")).split(" - ", 1)[0], "JSON parse error")
    client.call("DELETE", path, expect=204)
    client.call("GET", path, expect=404)


def _verify_authentication(client: Client) -> None:
    for headers, detail in (
        ({}, "Authentication credentials were not provided."),
        ({"Authorization": f"Token {uuid4().hex}"}, "Invalid token."),
    ):
        answer = client.call("GET", client.batch_requests, expect=401, headers=headers, anonymous=True)
        _same("the body of a 401", answer.json(), {"detail": detail})
        _same("the challenge of a 401", answer.headers.get("WWW-Authenticate"), "Token")
    client.call("GET", "/api/v1/active_user/")


def _verify_dead_ends(client: Client) -> None:
    for path, detail in (
        (f"/api/v1/channel/{_NO_CHANNEL}/batch_requests/", None),
        (f"{client.batch_requests}{_NO_CHANNEL}/", None),
        (f"{client.batch_requests}?page=100000", "Invalid page."),
        ("/api/v1/nowhere/", "Not found."),
    ):
        answer = client.call("GET", path, expect=404).json()
        if detail:
            _same(f"the answer to {path}", answer, {"detail": detail})
    bogus = client.call("GET", client.batch_requests, expect=400, query=[("status", "bogus")]).json()
    choice = "Select a valid choice. bogus is not one of the available choices."
    _same("the answer to a bad filter", bogus, {"status": [choice]})
    refused = client.call("DELETE", client.batch_requests, expect=405)
    if not {"GET", "POST"} <= {method.strip() for method in refused.headers.get("Allow", "").split(",")}:
        raise Differs(f"Allow says {refused.headers.get('Allow')!r} where GET and POST are allowed")


def _pks(batch: Json) -> list[int]:
    return sorted(entry["pk"] for entry in batch["objects"])


def _same(what: str, found: Json, wanted: Json) -> None:
    if found != wanted:
        raise Differs(f"{what} is {str(found)[:300]} instead of {str(wanted)[:300]}")


def _newest_down_to(client: Client, oldest: int, query: Query) -> Iterator[Json]:
    last: int | None = None
    for page in client.pages([*query, ("ordering", "-pk")]):
        for batch in page["results"]:
            if last is not None and batch["pk"] > last:
                raise Differs(f"ordering=-pk has {batch['pk']} after {last}")
            last = batch["pk"]
            if batch["pk"] >= oldest:
                yield batch
        if last is None or last < oldest:
            return


def _eventually(check: Callable[[], str | None]) -> None:
    """Raise what the check says when it still says it at the end of the patience."""
    give_up = time.monotonic() + _PATIENCE
    while (difference := check()) is not None:
        if time.monotonic() > give_up:
            raise Differs(f"{difference}, still after {_PATIENCE:.0f} s (does something else write to this channel?)")
        time.sleep(1)


def _words(query: Query) -> str:
    return " and ".join(f"{name} {value}" for name, value in query) or "without a filter"
