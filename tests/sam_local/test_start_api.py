"""`sam local start-api`: the packaged functions behind an HTTP server, as a client talks to them.

It is not API Gateway. It knows no gateway responses, so that refusals of its own have its own words, and of the
authorizer it keeps no answer. What it makes of the authorizer's answers is told by the tests at the end: only a client
without a token is answered with 401, as on AWS and on the local stack.
"""

import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from batchyard.store import blobs
from tests.sam_local.conftest import deployed
from tests.support.engines import Engine
from tools import sam_local
from tools import sample_world as world

pytestmark = pytest.mark.sam_local

BATCHES = f"/api/v1/channel/{world.EMPTY.pk}/batch_requests/"
_START_SECONDS = 120


@pytest.fixture(scope="module")
def base_url(engine: Engine, endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the API. A container is started for a function at its first request, and then kept."""
    folder = tmp_path_factory.mktemp("start-api")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with deployed(engine, endpoint, folder) as deployment, (folder / "log").open("w") as log:
        process = subprocess.Popen(
            sam_local.command("start-api", deployment.template, "--port", str(port), "--warm-containers", "LAZY"),
            env=sam_local.environment(deployment.variables),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # Ctrl-C is for the tests, which then tell it to end.
            start_new_session=True,
        )
        try:
            _wait_for(port, process, folder / "log")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=120)
        assert _containers_of(folder / "log") == set()


@pytest.fixture(scope="module")
def anonymous(base_url: str) -> Iterator[httpx.Client]:
    """A client without a token."""
    # A container takes seconds to start on a busy machine.
    with httpx.Client(base_url=base_url, timeout=120, trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def client(base_url: str, anonymous: httpx.Client) -> Iterator[httpx.Client]:
    """A client that has logged in."""
    answer = anonymous.post("/api/v1/auth/login/", json={"username": world.USER.name, "password": world.PASSWORD})
    assert answer.status_code == 200, answer.text
    headers = {"Authorization": f"Token {answer.json()['key']}"}
    with httpx.Client(base_url=base_url, headers=headers, timeout=120, trust_env=False) as client:
        yield client


def _containers_of(log: Path) -> set[str]:
    """The containers that `sam local` started and that are still there."""
    there = subprocess.run(
        ["docker", "ps", "--all", "--quiet", "--no-trunc"], capture_output=True, text=True, check=True
    )
    return set(re.findall(r"SAM_CONTAINER_ID: (\w+)", log.read_text())) & set(there.stdout.split())


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"`sam local start-api` does not come up:\n{log.read_text()}")
        time.sleep(0.2)


def test_a_client_follows_a_load_to_its_end(client: httpx.Client):
    user = client.get("/api/v1/active_user/")
    assert (user.status_code, user.json()["username"]) == (200, world.USER.name)
    channels = client.get("/api/v1/channels/")
    assert [channel["pk"] for channel in channels.json()["results"]] == [7001, 7002, 7003]

    opened = [client.post(BATCHES, json={"channel": world.EMPTY.pk}) for _ in range(2)]
    assert [answer.status_code for answer in opened] == [201, 201]
    first = opened[0].headers["Location"]

    sent: list[dict[str, Any]] = [
        {"status": "commit", "objects": [{"pk": 1, "content_type": "stock"}, {"pk": 2, "content_type": "stock"}]},
        {"status": "commit", "objects": [{"pk": 3, "content_type": "stock"}]},
        {"status": "sent_to_remote", "remote_batch_id": "feed-1"},
        {
            "status": "done",
            "objects": [{"pk": 2, "content_type": "stock", "failed_reason_type": "remote"}],
            "log_file": "3 stocks sent\n",
        },
    ]
    for body in sent:
        answer = client.patch(first, json=body)
        assert (answer.status_code, answer.json()["status"]) == (200, body["status"])
    assert [(found["pk"], found["failed_reason_type"]) for found in answer.json()["objects"]] == [
        (1, None),
        (2, "remote"),
        (3, None),
    ]

    page = client.get(f"{BATCHES}?status=initialized&status=done&limit=1&ordering=-pk").json()
    assert [batch["pk"] for batch in page["results"]] == [opened[1].json()["pk"]]
    following = client.get(page["next"])
    assert following.status_code == 200
    assert [batch["pk"] for batch in following.json()["results"]] == [opened[0].json()["pk"]]
    assert following.json()["next"] is None
    assert client.get(following.json()["previous"]).json()["results"] == page["results"]

    redirect = client.get(f"{first}log_file/")
    assert redirect.status_code == 303
    assert httpx.get(redirect.headers["Location"], trust_env=False).text == "3 stocks sent\n"


def test_a_large_log_is_posted_where_the_form_says(client: httpx.Client):
    form = client.post(f"/api/v1/channel/{world.SENT.channel}/batch_requests/{world.SENT.pk}/log_file/upload/").json()

    posted = httpx.post(form["url"], data=form["fields"], files={"file": b"2 stocks sent\n"}, trust_env=False)

    assert posted.status_code == 204, posted.text
    assert blobs.read(form["fields"]["key"]) == b"2 stocks sent\n"


def test_a_batch_of_many_requests(client: httpx.Client):
    requests = [
        {"id": "new", "atomicityGroup": "load", "method": "POST", "url": BATCHES, "body": {"channel": world.EMPTY.pk}},
        {"id": "end", "atomicityGroup": "load", "method": "PATCH", "url": "$new", "body": {"status": "fail"}},
        {"id": "see", "method": "GET", "url": f"{BATCHES}?status=fail&ordering=-pk&limit=1"},
    ]

    answer = client.post("/v1/$batch", json={"requests": requests})

    assert answer.status_code == 200
    made, ended, seen = answer.json()["responses"]
    assert [made["status"], ended["status"], seen["status"]] == [201, 200, 200]
    assert seen["body"]["results"] == [ended["body"]]


def test_paths_without_a_route_are_404_in_the_dialect_of_the_family(client: httpx.Client):
    missing = client.get("/api/v1/products/")
    assert (missing.status_code, missing.json()) == (404, {"detail": "Not found."})

    wrong_method = client.put("/api/v1/channels/", json={})
    assert (wrong_method.status_code, wrong_method.json()) == (405, {"detail": 'Method "PUT" not allowed.'})
    assert wrong_method.headers["Allow"] == "GET, HEAD, POST"

    broken = client.post(BATCHES, content=b"{", headers={"Content-Type": "application/json"})
    assert broken.status_code == 400
    assert broken.json()["detail"].startswith("JSON parse error - ")


def test_the_documentation_is_served_without_a_token(anonymous: httpx.Client, base_url: str):
    document = anonymous.get("/openapi.json").json()
    assert document["servers"] == [{"url": base_url}]

    page = anonymous.get("/docs")
    assert page.headers["Content-Type"].startswith("text/html")
    assert "SwaggerUIBundle" in page.text


def test_without_a_token_the_server_itself_answers_401(anonymous: httpx.Client):
    answer = anonymous.get("/api/v1/active_user/")

    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"})


def test_a_bad_token_is_403_for_want_of_the_gateway_response_that_makes_it_401(anonymous: httpx.Client):
    answer = anonymous.get("/api/v1/active_user/", headers={"Authorization": "Token by_no-such-key"})

    assert (answer.status_code, answer.json()) == (
        403,
        {"message": "User is not authorized to access this resource"},
    )


def test_another_authorization_scheme_is_502(anonymous: httpx.Client):
    answer = anonymous.get("/api/v1/active_user/", headers={"Authorization": "Basic c2FtcGxlOnNhbXBsZQ=="})

    assert (answer.status_code, answer.json()) == (502, {"message": "Internal server error"})


def test_the_authorization_scheme_may_be_bearer_in_any_case(anonymous: httpx.Client):
    answer = anonymous.get("/api/v1/active_user/", headers={"Authorization": f"bearer {world.KEY}"})

    assert (answer.status_code, answer.json()["pk"]) == (200, world.USER.pk)
