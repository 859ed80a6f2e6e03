"""A call to AWS never outlasts the function that makes it: measured on an endpoint that accepts and never answers."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.config import Config

from batch_requests import retrieve
from batchyard import deadline
from batchyard.errors import Unavailable
from batchyard.store import clients
from batchyard.store.tables import IDENTITY
from batchyard.store.unit import read_one
from identity import authorizer, key_authorizer
from tests.support import aws
from tests.support.api import Api, batches
from tools import aws_events
from tools.template import resources, template


class RunsFor:
    """A Lambda context of a function that runs for so long from now on."""

    function_name = "tests"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:tests"
    aws_request_id = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        """As Lambda tells it, in whole milliseconds."""
        return max(0, int((self._end - time.monotonic()) * 1000))


@pytest.fixture
def point_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Lets the clients speak to a port of this machine, with budgets of a tenth of the real ones."""
    for name, value in {**aws.CREDENTIALS, **aws.environment()}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(clients, "ANSWER_MS", clients.ANSWER_MS // 10)
    for config in ("_CONFIG", "_S3_CONFIG"):
        real: Any = getattr(clients, config)
        tenth = Config(connect_timeout=real.connect_timeout / 10, read_timeout=real.read_timeout / 10)
        monkeypatch.setattr(clients, config, real.merge(tenth))
    # botocore's back-off, too.
    monkeypatch.setattr(
        "botocore.endpoint.time", SimpleNamespace(sleep=lambda seconds: time.sleep(seconds / 10), time=time.time)
    )

    def use(port: int) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        clients.reset()
        # That takes longer than these budgets.
        clients.dynamodb()

    yield use
    clients.reset()


@pytest.fixture
def black_hole(point_at: Callable[[int], None]) -> Iterator[list[socket.socket]]:
    """The connections that an endpoint has accepted, which never answers any of them."""
    accepted: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    accepted.append(server.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        point_at(server.getsockname()[1])
        yield accepted
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)
    for connection in accepted:
        connection.close()


def timeout_of(function: str) -> float:
    """Seconds that a function may run, as these tests have it."""
    globally = template()["Globals"]["Function"]["Timeout"]
    return float(resources("AWS::Serverless::Function")[function].get("Timeout", globally)) / 10


def test_a_route_answers_that_the_store_did_not(black_hole: list[socket.socket]) -> None:
    event, _ = Api().event("GET", batches(5, 1795401019114587))
    seconds = timeout_of("RetrieveBatchRequestFunction")
    context, started = RunsFor(seconds), time.monotonic()

    answer = retrieve.handler(event, context)

    took = time.monotonic() - started
    assert answer["statusCode"] == 503
    assert json.loads(answer["body"])["detail"]
    assert took < seconds
    # The counting of the request alone was tried again, and again.
    assert 2 <= len(black_hole) <= 4


@pytest.mark.parametrize("module", [authorizer, key_authorizer])
def test_an_authorizer_ends_by_itself(module: Any, black_hole: list[socket.socket]) -> None:
    event, _ = Api().event("GET", batches(5), headers={"Authorization": "Token by_x"})
    seconds = timeout_of("AuthorizerFunction")
    started = time.monotonic()

    with pytest.raises(Unavailable):
        module.handler(aws_events.authorization(event), RunsFor(seconds))

    assert time.monotonic() - started < seconds
    assert len(black_hole) == 2


@pytest.mark.parametrize("seconds", [0.0, 0.3, 1.0, 2.0])
def test_no_call_outlasts_the_function(black_hole: list[socket.socket], seconds: float) -> None:
    started = time.monotonic()
    with deadline.within(RunsFor(seconds)), pytest.raises(Unavailable):
        read_one(IDENTITY, {"id": "x"})
    assert time.monotonic() - started < max(seconds, 0.1)
    # One that could not end in time is not even begun.
    assert bool(black_hole) == (seconds >= 1)


def test_background_functions_attempt_a_call_four_times(black_hole: list[socket.socket]) -> None:
    with pytest.raises(Unavailable):
        read_one(IDENTITY, {"id": "x"})
    assert len(black_hole) == 4


@pytest.mark.parametrize("status", [500, 503])
def test_a_slow_answer_of_aws_is_not_retried(point_at: Callable[[int], None], status: int) -> None:
    class Slow(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            time.sleep(0.25)
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            point_at(server.server_address[1])
            started = time.monotonic()
            with deadline.within(RunsFor(0.7)), pytest.raises(Unavailable):
                read_one(IDENTITY, {"id": "x"})
            # Its back-off alone could take a second.
            assert time.monotonic() - started < 0.7
        finally:
            server.shutdown()
            thread.join(5)


def test_a_missing_table_is_not_unavailable(point_at: Callable[[int], None]) -> None:
    """Only what botocore would try again is given up."""

    class Refuses(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = b'{"__type": "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", "message": "no table"}'
            self.send_response(400)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Refuses) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            point_at(server.server_address[1])
            with (
                deadline.within(RunsFor(0.7)),
                pytest.raises(clients.dynamodb().exceptions.ResourceNotFoundException),
            ):
                read_one(IDENTITY, {"id": "x"})
        finally:
            server.shutdown()
            thread.join(5)


@pytest.mark.parametrize("function", sorted(resources("AWS::Serverless::Function")))
def test_every_function_has_the_time_for_a_call_and_its_answer(function: str) -> None:
    needed: float = max(clients.attempt_ms(clients._CONFIG), clients.attempt_ms(clients._S3_CONFIG)) / 1000
    if function in ("AuthorizerFunction", "KeyAuthorizerFunction"):
        needed = 2 * clients.attempt_ms(clients._CONFIG) / 1000
    assert needed <= timeout_of(function) * 10
