"""Many requests in one call: a change set that happens, one that does not, and reads and removals that go together."""

from tools.demo.checks import newest
from tools.demo.client import Client, Differs, Json
from tools.marketplace import Load

OPENED = 10
_OBJECTS = 20


def play_batch(client: Client, load: Load) -> int:
    """Opens, fills, reads and removes batch requests, each in one go; returns how many requests that were.

    Args:
        client: The client of the channel.
        load: A load whose objects go into them.
    """
    entries = [row.entry for row in load.rows[:_OBJECTS]]
    made = _all_or_nothing(client, entries)
    _nothing(client, entries)
    removals = [_request(f"remove{pk}", "delete", _address(client, pk)) for pk in made]
    expect_statuses([204] * OPENED, send(client, removals))
    return 3 * OPENED + 2 + OPENED


def _all_or_nothing(client: Client, entries: list[Json]) -> list[int]:
    """One change set opens and fills them all, and refers to what it opens; the same call reads them back."""
    writes = [
        request
        for number in range(OPENED)
        for request in (
            _request(f"open{number}", "post", client.batch_requests, {"channel": client.channel_id}),
            _request(f"fill{number}", "patch", f"$open{number}", {"status": "commit", "objects": entries}),
        )
    ]
    reads = [_request(f"read{number}", "get", f"$open{number}") for number in range(OPENED)]
    answers = send(client, [{**request, "atomicityGroup": "load"} for request in writes] + reads)
    expect_statuses([201, 200] * OPENED + [200] * OPENED, answers)
    filled, read = [one["body"] for one in answers[1 : 2 * OPENED : 2]], [one["body"] for one in answers[2 * OPENED :]]
    if filled != read:
        raise Differs("what the change set answered is not what the same call read after it")
    if any(len(batch["objects"]) != len(entries) for batch in read):
        raise Differs("a batch request of the change set lacks objects")
    return [int(batch["pk"]) for batch in read]


def _nothing(client: Client, entries: list[Json]) -> None:
    """The second request of a change set is refused, so its first has not happened either."""
    before = newest(client)
    answers = send(
        client,
        [
            _request("open", "post", client.batch_requests, {"channel": client.channel_id})
            | {"atomicityGroup": "load"},
            _request("skip", "patch", "$open", {"status": "ongoing", "objects": entries}) | {"atomicityGroup": "load"},
        ],
    )
    if [(one["id"], one["status"]) for one in answers] != [("open", 424), ("skip", 400)]:
        raise Differs(f"a change set with a refused request was answered {answers}")
    if newest(client) != before:
        raise Differs("a change set with a refused request opened a batch request all the same")


def send(client: Client, requests: list[Json]) -> list[Json]:
    """The answers to the requests of a batch."""
    return list(client.call("POST", "/v1/$batch", json={"requests": requests}).json()["responses"])


def _request(identifier: str, method: str, url: str, body: Json = None) -> dict[str, Json]:
    request: dict[str, Json] = {"id": identifier, "method": method, "url": url}
    return request if body is None else {**request, "body": body}


def _address(client: Client, pk: int) -> str:
    return f"{client.batch_requests}{pk}/"


def expect_statuses(statuses: list[int], answers: list[Json]) -> None:
    """Raises `Differs` unless a batch was answered with these statuses."""
    found = [one["status"] for one in answers]
    if found != statuses:
        refused = next((one for one in answers if one["status"] >= 400), None)
        raise Differs(f"a batch was answered {found} instead of {statuses}: {refused}")
