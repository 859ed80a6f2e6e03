"""Change sets: all of it or nothing, in the table and in S3, and read by what follows in it before it has happened."""

import base64
import random
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from batchyard.errors import Contended
from batchyard.product_batches.serials import repository as serials_repository
from batchyard.store import blobs, clients, contents, unit
from batchyard.store.tables import BATCH_REQUESTS
from tests.integration.conftest import Calls
from tests.support.api import Api, batches, narrowed
from tests.support.batch import Part, change_set, request, run, run_change_set, run_json

Commit = Callable[..., Any]

LOTS = "/admin/collection/wines/product/barolo/batch"


@pytest.fixture(autouse=True)
def _as_on_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    # moto still has the limit of 2018.
    monkeypatch.setattr("moto.dynamodb.responses.TRANSACTION_MAX_ITEMS", 100)
    # Nothing is gained here by waiting for others.
    monkeypatch.setattr(unit, "_pause", lambda number: None)


@pytest.fixture
def small_items(monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects go to S3 early, so that large is not slow."""
    monkeypatch.setattr(contents, "INLINE_BYTES", 1000)


def creation(channel: int, **headers: str) -> str:
    return request("POST", batches(channel), {"channel": channel}, **headers)


def objects(size: int, seed: int = 1) -> list[dict[str, Any]]:
    """One object of many bytes, which cannot be compressed."""
    text = base64.b64encode(random.Random(seed).randbytes(size * 3 // 4)).decode()
    return [{"pk": number, "remote_id": text[number * 200 : number * 200 + 200]} for number in range(size // 200)]


def happened(answer: list[Part] | Part) -> list[Part]:
    assert isinstance(answer, list), answer
    return answer


def refused(answer: list[Part] | Part) -> Part:
    assert isinstance(answer, Part), answer
    return answer


def stored() -> set[str]:
    """The keys in the bucket."""
    return {found["Key"] for found in clients.s3().list_objects_v2(Bucket=blobs.bucket()).get("Contents", [])}


def writes(calls: Calls) -> list[str]:
    """The calls that change something, in their order."""
    return [call for call in calls.writes() if call != "dynamodb.TransactGetItems"]


def everything(api: Api, channel: int) -> Any:
    """A channel's batch requests."""
    return api.get(f"{batches(channel)}?limit=100").json()["results"]


def commits(monkeypatch: pytest.MonkeyPatch, first: Callable[[int, Commit], Any]) -> None:
    """Lets something else happen where a transaction would be sent: it gets the number of the attempt and the call."""
    send, attempts = clients.dynamodb().transact_write_items, iter(range(1, 1000))

    def instead(**request: Any) -> Any:
        return first(next(attempts), lambda: send(**request))

    monkeypatch.setattr(clients.dynamodb(), "transact_write_items", instead)


def cancelled(*reasons: str) -> ClientError:
    """What DynamoDB answers to a transaction that it does not take."""
    response: Any = {
        "Error": {"Code": "TransactionCanceledException", "Message": "Transaction cancelled"},
        "CancellationReasons": [{"Code": reason} for reason in reasons],
    }
    return ClientError(response, "TransactWriteItems")


# All of it.


def test_a_change_set_of_a_hundred_creations_is_one_transaction(api: Api, channel: int, calls: Calls) -> None:
    api.open_batch(channel)
    calls.clear()
    answers = happened(run_change_set(api, *(creation(channel) for _ in range(100))))
    assert [answer.status for answer in answers] == [201] * 100
    assert len({answer.json()["pk"] for answer in answers}) == 100
    assert calls == ["dynamodb.GetItem", "dynamodb.TransactWriteItems"]
    for answer in answers[::33]:
        assert api.get(answer.headers["Location"]).json() == answer.json()


def test_a_change_set_of_a_hundred_updates_reads_once_and_writes_once(api: Api, channel: int, calls: Calls) -> None:
    pks = [api.open_batch(channel)["pk"] for _ in range(100)]
    calls.clear()
    changes = [
        request("PATCH", batches(channel, pk), {"status": "commit", "objects": [{"pk": number}]})
        if number % 3
        else request("DELETE", batches(channel, pk))
        for number, pk in enumerate(pks)
    ]
    answers = happened(run_change_set(api, *changes))
    assert [answer.status for answer in answers] == [200 if number % 3 else 204 for number in range(100)]
    assert calls == ["dynamodb.TransactGetItems", "dynamodb.TransactWriteItems"]
    assert everything(api, channel) == [answer.json() for answer in answers if answer.status == 200]


def test_a_change_set_of_one_write_needs_no_transaction(api: Api, channel: int, calls: Calls) -> None:
    assert happened(run_change_set(api, creation(channel)))[0].status == 201
    assert writes(calls) == ["dynamodb.PutItem"]


def test_later_requests_of_a_change_set_read_the_state_left_by_earlier_requests(api: Api, channel: int) -> None:
    made, committed, merged, replaced, sent = happened(
        run_change_set(
            api,
            creation(channel, Content_ID="1"),
            request("PATCH", "$1", {"status": "commit", "objects": [{"pk": 1}]}, If_Match='"1"'),
            request("PATCH", "$1", {"objects": [{"pk": 2}]}, If_Match='"2"'),
            request("PUT", "$1", {"remote_batch_id": "r", "log_file": "all is well"}, If_Match='"3"'),
            request("PATCH", "$1", {"status": "sent_to_remote"}, If_Match='"0", "4"'),
        )
    )
    assert [answer.headers["ETag"] for answer in (made, committed, merged, replaced, sent)] == [
        f'"{number}"' for number in (1, 2, 3, 4, 5)
    ]
    assert [entry["pk"] for entry in merged.json()["objects"]] == [1, 2]
    moments = [answer.json()["modified_date"] for answer in (made, committed, merged, replaced, sent)]
    assert sorted(set(moments)) == moments
    after = api.get(made.headers["Location"])
    assert (after.json(), after.headers["ETag"]) == (sent.json(), '"5"')
    assert api.get(made.headers["Location"] + "log_file/").status == 303


def test_a_batch_request_created_and_deleted_in_a_change_set_leaves_nothing(
    api: Api, channel: int, calls: Calls, small_items: None
) -> None:
    answers = happened(
        run_change_set(
            api,
            creation(channel, Content_ID="1"),
            request("PATCH", "$1", {"status": "commit", "objects": objects(5000), "log_file": "x"}),
            request("DELETE", "$1"),
        )
    )
    assert [answer.status for answer in answers] == [201, 200, 204]
    assert writes(calls) == []
    assert (everything(api, channel), stored()) == ([], set())


def test_a_batch_request_deleted_in_a_change_set_is_gone_for_later_requests(api: Api, channel: int) -> None:
    one = batches(channel, api.open_batch(channel)["pk"])
    answer = refused(run_change_set(api, request("DELETE", one), request("PATCH", one, {"status": "commit"})))
    assert answer.status == 404
    assert api.get(one).status == 200


def test_contents_go_to_s3_before_what_points_at_them(api: Api, channel: int, calls: Calls, small_items: None) -> None:
    pks = [api.open_batch(channel)["pk"] for _ in range(2)]
    calls.clear()
    changes = [
        request("PATCH", batches(channel, pk), {"status": "commit", "objects": objects(5000, pk), "log_file": f"{pk}"})
        for pk in pks
    ]
    answers = happened(run_change_set(api, *changes))
    assert writes(calls) == ["s3.PutObject"] * 4 + ["dynamodb.TransactWriteItems"]
    assert len(stored()) == 4
    for answer in answers:
        assert api.get(batches(channel, answer.json()["pk"])).json() == answer.json()


def test_large_objects_of_this_very_change_set_are_read_from_it(api: Api, channel: int, small_items: None) -> None:
    made, large, merged = happened(
        run_change_set(
            api,
            creation(channel, Content_ID="1"),
            request("PATCH", "$1", {"status": "commit", "objects": objects(5000)}),
            request("PATCH", "$1", {"objects": [{"pk": 1, "remote_id": "new"}]}),
        )
    )
    assert len(merged.json()["objects"]) == len(large.json()["objects"]) == 25
    assert api.get(made.headers["Location"]).json() == merged.json()


def test_channels_change_with_their_batch_requests(api: Api, channel: int) -> None:
    one = batches(channel, api.open_batch(channel)["pk"])
    assert refused(run_change_set(api, request("DELETE", f"/api/v1/channels/{channel}/"))).status == 409
    emptied = happened(run_change_set(api, request("DELETE", one), request("DELETE", f"/api/v1/channels/{channel}/")))
    assert [answer.status for answer in emptied] == [204, 204]
    assert api.get(f"/api/v1/channels/{channel}/").status == 404
    other = api.open_channel()
    filled = refused(run_change_set(api, creation(other), request("DELETE", f"/api/v1/channels/{other}/")))
    assert filled.status == 409
    first, second = happened(
        run_change_set(api, *(request("POST", "/api/v1/channels/", {"name": "New"}) for _ in range(2)))
    )
    assert second.json()["pk"] == first.json()["pk"] + 1
    assert api.get(second.headers["Location"]).json() == second.json()


def test_an_idempotency_key_answers_the_first_reply_again(api: Api, channel: int) -> None:
    first, twin, other = happened(
        run_change_set(
            api,
            creation(channel, Idempotency_Key="k"),
            creation(channel, Idempotency_Key="k"),
            creation(channel, Idempotency_Key="other"),
        )
    )
    assert first.text == twin.text != other.text
    again, new = happened(run_change_set(api, creation(channel, Idempotency_Key="k"), creation(channel)))
    assert (again.status, again.text) == (201, first.text)
    alone = api.post(batches(channel), {"channel": channel}, headers={"Idempotency-Key": "k"})
    assert alone.text == first.text
    assert len(everything(api, channel)) == 3
    assert new.json() in everything(api, channel)


def test_a_key_of_a_change_set_that_failed_is_free(api: Api, channel: int) -> None:
    assert refused(run_change_set(api, creation(channel, Idempotency_Key="k"), creation(channel + 1))).status == 404
    assert api.post(batches(channel), {"channel": channel}, headers={"Idempotency-Key": "k"}).status == 201
    assert len(everything(api, channel)) == 1


def test_a_change_set_counts_its_requests_once_however_often_it_is_tried(
    api: Api, channel: int, monkeypatch: pytest.MonkeyPatch, at: Callable[[float], None]
) -> None:
    at(0)
    client = Api(narrowed("tok_limited", requests_per_minute=4))

    def lose_twice(attempt: int, commit: Commit) -> Any:
        if attempt < 3:
            raise cancelled("TransactionConflict", "None")
        return commit()

    commits(monkeypatch, lose_twice)
    assert len(happened(run_change_set(client, creation(channel), creation(channel)))) == 2
    assert [client.get(batches(channel)).status for _ in range(2)] == [200, 429]


# Or nothing.


@pytest.mark.parametrize(
    ("failing", "status", "says"),
    [
        (request("PATCH", "ONE", {"status": "bogus"}), 400, "is not a valid choice"),
        (request("PATCH", "ONE", {"status": "ongoing"}), 400, "Status cannot be changed"),
        (request("PATCH", "ONE", "{nonsense"), 400, "JSON parse error"),
        (request("PATCH", "ONE", {"remote_batch_id": "r"}, If_Match='"9"'), 412, "has changed"),
        (request("GET", "ONE"), 400, "writes only"),
        (request("HEAD", "ONE"), 400, "writes only"),
        (request("DELETE", "LIST5/"), 404, "Not found"),
        (request("POST", "/api/v1/nothing/"), 404, "Not found"),
        (request("POST", "ONE"), 405, "not allowed"),
        (request("POST", "LIST", {}), 400, "required"),
        (request("DELETE", "$nobody"), 400, "refers to no request"),
        (request("DELETE", "https://evil.example"), 400, "own"),
        (request("POST", "$batch"), 400, "no batch within"),
        (request("DELETE", "/docs"), 405, "not allowed"),
        (request("PUT", "ONE", {}, Content_Length="99"), 400, "Content-Length"),
        ("Content-Type: text/plain\r\n\r\n", 400, "application/http"),
        ("Content-Type: multipart/mixed; boundary=d\r\n\r\n--d--\r\n", 400, "outside of a change set"),
    ],
)
@pytest.mark.parametrize("place", [0, 1, 3])
def test_a_change_set_is_answered_with_the_error_of_its_failed_request(
    api: Api, channel: int, calls: Calls, small_items: None, failing: str, status: int, says: str, place: int
) -> None:
    one = batches(channel, api.open_batch(channel, status="commit", objects=objects(5000), log_file="before")["pk"])
    other = api.open_batch(channel)["pk"]
    failing = failing.replace("ONE", one).replace("LIST", batches(channel))
    before, blobs_before = everything(api, channel), stored()
    calls.clear()
    parts = [
        creation(channel, Content_ID="1"),
        request("PATCH", one, {"objects": objects(6000, 2), "log_file": "after"}),
        request("DELETE", batches(channel, other)),
    ]
    answer = refused(run_change_set(api, *parts[:place], failing, *parts[place:]))
    assert (answer.status, says in answer.text) == (status, True), answer.text
    assert writes(calls) == []
    assert (everything(api, channel), stored()) == (before, blobs_before)


def test_the_error_of_a_change_set_has_the_id_of_its_failed_request(api: Api, channel: int) -> None:
    parts = [
        creation(channel, Content_ID="1"),
        creation(channel + 1, Content_ID="2"),
        creation(channel, Content_ID="3"),
    ]
    assert refused(run_change_set(api, *parts)).id == "2"
    entries = [
        {
            "id": str(number),
            "method": "POST",
            "url": batches(target),
            "body": {"channel": target},
            "atomicityGroup": "g",
        }
        for number, target in enumerate([channel, channel + 1, channel])
    ]
    first, answer, third = run_json(api, *entries)
    assert (answer["id"], answer["status"], answer["body"]) == ("1", 404, {"detail": "Not found."})
    for other, name in ((first, "0"), (third, "2")):
        assert (other["id"], other["status"], other["body"]["error"]["code"]) == (name, 424, "FailedDependency")
    assert {one["atomicityGroup"] for one in (first, answer, third)} == {"g"}
    assert everything(api, channel) == []


def test_neighbours_of_a_change_set_that_failed_are_left_alone(api: Api, channel: int) -> None:
    headers = {"Prefer": "continue-on-error"}
    bad = change_set(creation(channel), creation(channel + 1))
    first, second, third, fourth = run(
        api, change_set(creation(channel)), bad, change_set(creation(channel)), creation(channel), headers=headers
    )
    assert refused(second).status == 404
    made = [*happened(first), *happened(third), refused(fourth)]
    assert everything(api, channel) == [answer.json() for answer in made]


def test_a_change_set_of_more_items_than_a_transaction_holds_is_413(api: Api, channel: int, calls: Calls) -> None:
    def with_keys(count: int) -> list[str]:
        return [
            creation(channel, Idempotency_Key=f"{count} {number}", Content_ID=str(number)) for number in range(count)
        ]

    answer = refused(run_change_set(api, *with_keys(51)))
    assert (answer.status, answer.id) == (413, "0")
    assert "102 items at once, of 100" in answer.json()["error"]["message"]
    assert writes(calls) == []
    assert everything(api, channel) == []
    assert len(happened(run_change_set(api, *with_keys(50)))) == 50
    assert len(everything(api, channel)) == 50


def test_a_change_set_of_more_bytes_than_a_transaction_holds_is_413(
    api: Api, channel: int, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "INLINE_BYTES", 300_000)
    pks = [api.open_batch(channel, status="commit", objects=objects(330_000, seed))["pk"] for seed in range(18)]
    moves = [request("PATCH", batches(channel, pk), {"status": "sent_to_remote"}) for pk in pks]
    size = len(
        clients.dynamodb().get_item(
            TableName=BATCH_REQUESTS.name, Key={"channel": {"N": str(channel)}, "pk": {"N": str(pks[0])}}
        )["Item"]["objects"]["B"]
    )
    fitting = unit.LARGEST_TRANSACTION // (size + 1000)
    assert fitting < 18
    calls.clear()
    answer = refused(run_change_set(api, *moves[: fitting + 1]))
    assert (answer.status, answer.json()["error"]["code"]) == (413, "ContentTooLarge")
    assert f"of {unit.LARGEST_TRANSACTION} that can be" in answer.json()["error"]["message"]
    assert writes(calls) == []
    assert {api.get(batches(channel, pk)).json()["status"] for pk in pks} == {"commit"}
    assert len(happened(run_change_set(api, *moves[:fitting]))) == fitting


# Races, and a store that does not answer.


def test_a_change_set_that_loses_a_race_runs_again_on_the_new_state(
    api: Api, channel: int, monkeypatch: pytest.MonkeyPatch, small_items: None
) -> None:
    pks = [api.open_batch(channel, status="commit", objects=[{"pk": 1}])["pk"] for _ in range(2)]

    def another_is_faster(attempt: int, commit: Commit) -> Any:
        if attempt == 1:
            assert api.patch(batches(channel, pks[1]), {"objects": [{"pk": 2}]}).status == 200
        return commit()

    commits(monkeypatch, another_is_faster)
    body = {"objects": objects(3000), "log_file": "x"}
    answers = happened(run_change_set(api, *(request("PATCH", batches(channel, pk), body) for pk in pks)))
    assert [entry["pk"] for entry in answers[1].json()["objects"]][:3] == [1, 2, 0]
    assert answers[1].headers["ETag"] == '"4"'
    assert everything(api, channel) == [answer.json() for answer in answers]
    # What the first attempt wrote was of no use.
    assert len(stored()) == 4


def test_a_change_set_that_loses_every_race_leaves_nothing(
    api: Api, channel: int, monkeypatch: pytest.MonkeyPatch, small_items: None
) -> None:
    pks = [api.open_batch(channel)["pk"] for _ in range(2)]
    before = everything(api, channel)

    def lose(attempt: int, commit: Commit) -> Any:
        raise cancelled("None", "TransactionConflict")

    commits(monkeypatch, lose)
    body = {"status": "commit", "objects": objects(3000), "log_file": "x"}
    answer = refused(run_change_set(api, *(request("PATCH", batches(channel, pk), body) for pk in pks)))
    assert (answer.status, answer.json()["error"]["code"]) == (503, "ServiceUnavailable")
    assert (everything(api, channel), stored()) == (before, set())


@pytest.mark.parametrize("reason", ["ThrottlingError", "ProvisionedThroughputExceeded"])
def test_a_change_set_is_503_when_the_store_is_too_busy(
    api: Api, channel: int, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    def busy(attempt: int, commit: Commit) -> Any:
        raise cancelled("None", reason)

    commits(monkeypatch, busy)
    assert refused(run_change_set(api, creation(channel), creation(channel))).status == 503
    assert everything(api, channel) == []


def test_a_change_set_is_503_when_the_store_does_not_answer(
    api: Api, channel: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody_there(attempt: int, commit: Commit) -> Any:
        raise ConnectTimeoutError(endpoint_url="of nobody")

    commits(monkeypatch, nobody_there)
    answer = refused(run_change_set(api, creation(channel, Content_ID="1"), creation(channel)))
    assert (answer.status, answer.id) == (503, "1")


def test_a_transaction_that_the_store_finds_wrong_is_a_defect_of_that_change_set_alone(
    api: Api, channel: int, monkeypatch: pytest.MonkeyPatch, small_items: None, caplog: pytest.LogCaptureFixture
) -> None:
    pks = [api.open_batch(channel)["pk"] for _ in range(2)]

    def wrong(attempt: int, commit: Commit) -> Any:
        raise ClientError({"Error": {"Code": "ValidationException", "Message": "s3cret"}}, "TransactWriteItems")

    commits(monkeypatch, wrong)
    body = {"status": "commit", "objects": objects(3000)}
    changes = change_set(*(request("PATCH", batches(channel, pk), body) for pk in pks))
    first, broken, last = run(
        api, change_set(creation(channel)), changes, creation(channel), headers={"Prefer": "continue-on-error"}
    )
    assert (refused(broken).status, refused(broken).json()["error"]["code"]) == (500, "InternalServerError")
    assert happened(first)[0].status == refused(last).status == 201
    assert stored() == set()
    assert "ClientError" in caplog.text


def test_a_change_set_that_meets_a_change_under_way_is_tried_again(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.post(LOTS, {"id": "L1", "quantity": 10})
    real, met = serials_repository.stretches, []

    def cut_meanwhile(work: unit.Unit, *arguments: Any) -> Any:
        met.append(work.attempt)
        if len(met) == 1:
            raise Contended
        return real(work, *arguments)

    monkeypatch.setattr(serials_repository, "stretches", cut_meanwhile)
    change = {"status": "stolen", "ranges": [{"startIndex": 0, "count": 2}]}
    [changed] = happened(run_change_set(api, request("POST", f"{LOTS}/L1/serialChange", change)))
    assert (changed.status, met) == (200, [1, 2])
    assert [one["status"] for one in api.get(f"{LOTS}/L1/getSN?count=3").json()["items"]] == [
        "stolen",
        "stolen",
        "commissioned",
    ]


def test_a_lot_created_with_a_200_can_be_referred_to_in_a_change_set(api: Api) -> None:
    made = request("POST", LOTS, {"id": "L1"}, **{"Content-ID": "lot"})
    changed = request("PUT", "$lot", {"name": "First"})
    answers = happened(run_change_set(api, made, changed))
    assert [answer.status for answer in answers] == [200, 200]
    assert api.get(f"{LOTS}/L1").json()["name"] == "First"
