"""What only the deployed system shows: policies that suffice, triggers that fire, URLs that can be followed."""

import random
from typing import Any

import httpx
import pytest

from batchyard.store import notices
from tests.e2e.system import eventually, invoke, messages
from tools import aws_events
from tools.local_stack import LocalStack
from tools.template import resources

pytestmark = pytest.mark.e2e


def opened(client: httpx.Client, channel: int) -> str:
    """The path of a new batch request."""
    answer = client.post(f"/api/v1/channel/{channel}/batch_requests/", json={"channel": channel})
    assert answer.status_code == 201, answer.text
    return f"/api/v1/channel/{channel}/batch_requests/{answer.json()['pk']}/"


def products(count: int) -> list[dict[str, Any]]:
    """Objects that do not compress well."""
    chance = random.Random(count)
    return [
        {"pk": chance.getrandbits(53), "content_type": "product", "remote_id": f"{chance.getrandbits(256):064x}"}
        for _ in range(count)
    ]


def changed(client: httpx.Client, path: str, **fields: Any) -> Any:
    answer = client.patch(path, json=fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


def contents(stack: LocalStack, channel: int) -> set[str]:
    """The keys of what the bucket holds for a channel."""
    listed = stack.engine.client("s3").list_objects_v2(Bucket=stack.physical_id("ContentBucket"))
    return {found["Key"] for found in listed.get("Contents", []) if found["Key"].split("/")[1] == str(channel)}


@pytest.mark.parametrize("path", ["/api/v1/active_user/", "/api/v1/channels", "/api/v1/channel/1/batch_requests/1/"])
def test_credentials_are_asked_for_as_the_contract_says(anonymous: httpx.Client, path: str) -> None:
    answer = anonymous.get(path)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Token")
    assert answer.json() == {"detail": "Authentication credentials were not provided."}
    answer = anonymous.get(path, headers={"Authorization": "Token by_nobody"})
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Token")
    assert answer.json() == {"detail": "Invalid token."}


@pytest.mark.parametrize("path", ["/", "/nowhere/", "/api/v1/channels/1/nowhere"])
def test_paths_without_a_route_are_not_found(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."})


@pytest.mark.parametrize("odd", ["%0A", "%09", "%252E", "%2Fx", "%E2%80%91", "%F0%9F%98%80", "%FF", "%"])
def test_odd_paths_are_not_found(client: httpx.Client, channel: int, odd: str) -> None:
    for path in (f"/api/v1/channels/{channel}{odd}", f"/admin/collection/c/batch/L1{odd}", f"/v1/{odd}", f"/{odd}"):
        # httpx would write some of it anew.
        request = client.build_request("GET", path)
        request.url = request.url.copy_with(raw_path=f"{httpx.URL(client.base_url).path.rstrip('/')}{path}".encode())
        answer = client.send(request)
        assert answer.status_code in {400, 404}, (path, answer.text)


def test_a_wrong_method_is_405(client: httpx.Client, channel: int) -> None:
    answer = client.delete(f"/api/v1/channel/{channel}/batch_requests/")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD, POST")
    assert answer.json() == {"detail": 'Method "DELETE" not allowed.'}


def test_head_conditions_and_etags(client: httpx.Client, channel: int) -> None:
    url = f"/api/v1/channels/{channel}/"
    found, asked = client.get(url), client.head(url)
    named = ("content-type", "etag", "cache-control", "vary", "x-content-type-options")
    assert (asked.status_code, asked.content) == (found.status_code, b"") == (200, b"")
    assert [asked.headers[name] for name in named] == [found.headers[name] for name in named]
    kept = client.get(url, headers=[("If-None-Match", '"other"'), ("If-None-Match", found.headers["ETag"])])
    assert (kept.status_code, kept.content) == (304, b"")
    refused = client.patch(url, json={"name": "Another"}, headers={"If-None-Match": "*"})
    assert (refused.status_code, client.get(url).json()) == (412, found.json())


def test_a_browser_asks_what_scripts_may_send(anonymous: httpx.Client) -> None:
    asking = {"Origin": "https://shop.example.com", "Access-Control-Request-Method": "GET"}
    wanted = {"Access-Control-Request-Headers": "content-type,x-shop"}
    told = anonymous.options("/public/collection/demo/verifySN/1", headers={**asking, **wanted})
    assert (told.status_code, told.headers["Access-Control-Allow-Origin"]) == (204, "*")
    assert told.headers["Access-Control-Allow-Headers"] == "content-type, x-shop"
    assert anonymous.options("/api/v1/channels/", headers={**asking, **wanted}).status_code == 405


def test_logging_in(stack: LocalStack, anonymous: httpx.Client) -> None:
    settings = stack.settings
    wrong = {"username": settings["USERNAME"], "password": "guessed"}
    answer = anonymous.post("/api/v1/auth/login/", json=wrong)
    assert answer.status_code == 400
    answer = anonymous.post("/api/v1/auth/login/", json={**wrong, "password": settings["PASSWORD"]})
    assert answer.status_code == 200
    key = answer.json()["key"]
    answer = anonymous.get("/api/v1/active_user/", headers={"Authorization": f"bearer {key}"})
    assert answer.json()["username"] == settings["USERNAME"]


def test_documents_need_no_token(anonymous: httpx.Client) -> None:
    assert anonymous.get("/openapi.json").json()["openapi"].startswith("3.1")
    page = anonymous.get("/docs")
    assert page.headers["Content-Type"].startswith("text/html")


def test_urls_work_when_followed(client: httpx.Client, other_client: httpx.Client, channel: int) -> None:
    answer = client.post(f"/api/v1/channel/{channel}/batch_requests/", json={"channel": channel})
    assert other_client.get(answer.headers["Location"]).json() == answer.json()
    opened(client, channel)
    page = client.get(f"/api/v1/channel/{channel}/batch_requests/", params={"limit": 1}).json()
    following = client.get(page["next"]).json()
    assert following["results"][0]["pk"] > page["results"][0]["pk"]
    assert client.get(following["previous"]).json()["results"] == page["results"]


def test_every_filter_and_ordering_is_permitted(client: httpx.Client, channel: int) -> None:
    for _ in range(3):
        changed(client, opened(client, channel), status="commit", content_type="product")
    path = f"/api/v1/channel/{channel}/batch_requests/"
    for ordering in ("pk", "-created_date", "modified_date", "-status", "content_type,-modified_date"):
        for chosen in ("", "&status=commit&status=done", "&content_type=product"):
            for page in (1, 2, 3):
                answer = client.get(f"{path}?ordering={ordering}&limit=1&page={page}{chosen}")
                assert (answer.status_code, len(answer.json()["results"])) == (200, 1), answer.text
    counted = {"limit": "1", "content_type": "product"}
    eventually(lambda: client.get(path, params=counted).json()["count"] == 3)


def test_objects_too_large_for_an_item(stack: LocalStack, client: httpx.Client, channel: int) -> None:
    path = opened(client, channel)
    many = products(9_000)
    changed(client, path, status="commit", objects=many)
    fewer = many[:8_000]
    answer = client.put(path, json={"channel": channel, "objects": fewer})
    assert answer.status_code == 200, answer.text
    assert [found["pk"] for found in client.get(path).json()["objects"]] == [wanted["pk"] for wanted in fewer]
    written = contents(stack, channel)
    assert len(written) == 2
    swept = aws_events.queue("SweepQueue", *map(notices.message, written))
    assert invoke(stack, "SweepBlobsFunction", swept) == {"batchItemFailures": []}
    assert len(contents(stack, channel)) == 1
    assert len(client.get(path).json()["objects"]) == 8_000


def test_log_files(stack: LocalStack, client: httpx.Client, channel: int) -> None:
    path = opened(client, channel)
    changed(client, path, status="done", objects=products(9_000), log_file="first\n")

    def log() -> str:
        answer = client.get(f"{path}log_file/")
        assert answer.status_code == 303, answer.text
        return httpx.get(answer.headers["Location"], trust_env=False).text

    assert log() == "first\n"
    answer = client.post(f"{path}log_file/upload/")
    assert answer.status_code == 201, answer.text
    form, large = answer.json(), "a line of the log\n" * 200_000
    sent = httpx.post(form["url"], data=form["fields"], files={"file": ("log.txt", large)}, trust_env=False)
    assert sent.is_success, sent.text
    eventually(lambda: log() == large)
    eventually(lambda: not [key for key in contents(stack, channel) if key.startswith("uploads/")])
    assert client.get(path).json()["status"] == "done"


def test_a_change_of_status_is_published(stack: LocalStack, client: httpx.Client, channel: int) -> None:
    path = opened(client, channel)
    changed(client, path, status="commit")
    seen: list[tuple[str | None, str]] = []

    def both() -> bool:
        for event in messages(stack, "StatusChangesQueue"):
            if event["detail-type"] == "BatchRequest Status Changed" and event["detail"]["channel"] == channel:
                seen.append((event["detail"]["old_status"], event["detail"]["new_status"]))
        return len(seen) == 2

    eventually(both)
    assert seen == [(None, "initialized"), ("initialized", "commit")]


def test_a_stale_batch_request_fails(stack: LocalStack, client: httpx.Client, channel: int) -> None:
    path = opened(client, channel)
    pk = changed(client, path, status="commit", objects=products(9_000))["pk"]
    answer = client.patch(f"/api/v1/channels/{channel}/", json={"stale_after": 60})
    assert answer.status_code == 200, answer.text
    invoke(stack, "FailStaleBatchRequestsFunction", {})
    assert client.get(path).json()["status"] == "commit"
    stack.engine.client("dynamodb").update_item(
        TableName=stack.physical_id("BatchRequestsTable"),
        Key={"channel": {"N": str(channel)}, "pk": {"N": str(pk)}},
        UpdateExpression="SET modified = modified - :minutes",
        ExpressionAttributeValues={":minutes": {"N": str(120_000_000)}},
    )
    invoke(stack, "FailStaleBatchRequestsFunction", {})
    assert client.get(path).json()["status"] == "fail"


def test_a_recount_repairs_a_wrong_tally(stack: LocalStack, client: httpx.Client, channel: int) -> None:
    path = f"/api/v1/channel/{channel}/batch_requests/"
    opened(client, channel)
    opened(client, channel)
    eventually(lambda: client.get(path, params={"limit": 1}).json()["count"] == 2)
    stack.engine.client("dynamodb").update_item(
        TableName=stack.physical_id("TalliesTable"),
        Key={"channel": {"N": str(channel)}, "tally": {"S": "status#initialized"}},
        UpdateExpression="SET batch_requests = :wrong",
        ExpressionAttributeValues={":wrong": {"N": "7"}},
    )
    assert invoke(stack, "RecountBatchRequestsFunction", {})["repaired"][str(channel)] == {"status#initialized": -5}
    assert client.get(path, params={"limit": 1}).json()["count"] == 2


def test_replies_are_kept(client: httpx.Client, channel: int) -> None:
    once = {"Idempotency-Key": "load 1"}
    path = f"/api/v1/channel/{channel}/batch_requests/"
    first = client.post(path, json={"channel": channel}, headers=once)
    assert client.post(path, json={"channel": channel}, headers=once).json() == first.json()
    assert len(client.get(path).json()["results"]) == 1


@pytest.mark.parametrize("address", ["/v1/$batch", "/V1/%24batch"])
def test_a_batch_of_many_requests(client: httpx.Client, anonymous: httpx.Client, channel: int, address: str) -> None:
    path = f"/api/v1/channel/{channel}/batch_requests/"
    opening = {"method": "POST", "url": path, "headers": {"content-type": "application/json"}, "atomicityGroup": "both"}
    requests = [{**opening, "id": number, "body": {"channel": channel}} for number in ("1", "2")]
    body = {"requests": [*requests, {"id": "3", "method": "GET", "url": path}]}
    assert anonymous.post(address, json=body).status_code == 401
    answer = client.post(address, json=body)
    assert answer.status_code == 200, answer.text
    one, two, listed = answer.json()["responses"]
    assert listed["body"]["results"] == [one["body"], two["body"]]
    assert client.get(two["headers"]["location"]).json() == two["body"]


def test_channels_end_with_their_batch_requests(client: httpx.Client, channel: int) -> None:
    path = opened(client, channel)
    assert client.delete(f"/api/v1/channels/{channel}/").status_code == 409
    assert client.delete(path).status_code == 204
    assert client.delete(f"/api/v1/channels/{channel}/").status_code == 204
    assert client.get(f"/api/v1/channels/{channel}/").status_code == 404


def test_no_dead_letters_and_no_refused_access(stack: LocalStack) -> None:
    """After all of the above: no message in a dead-letter queue, no access refused to any function."""
    dead = [name for name in resources("AWS::SQS::Queue") if name.endswith("DeadLetterQueue")]
    assert {name: list(messages(stack, name)) for name in dead} == {name: [] for name in dead}
    refused = [line for line in stack.engine.log.read_text().splitlines() if "not authorized to perform" in line]
    assert refused == []


def test_data_survives_a_restart_of_the_stack_and_streams_go_on(
    stack: LocalStack, client: httpx.Client, channel: int
) -> None:
    path = opened(client, channel)
    before, settings = client.get(path).json(), stack.settings
    stack.down()
    stack.up()
    assert stack.settings == settings
    with httpx.Client(base_url=stack.base_url, headers=client.headers, timeout=60, trust_env=False) as again:
        assert again.get(path).json() == before
        opened(again, channel)
        listed = f"/api/v1/channel/{channel}/batch_requests/"
        eventually(lambda: again.get(listed, params={"limit": 1}).json()["count"] == 2)
