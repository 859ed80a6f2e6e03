"""What the integration tests have in common."""

import json
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from batchyard import clock
from batchyard.store import clients
from batchyard.store.tables import EPHEMERA, PRODUCT_BATCHES
from tests.support import aws
from tests.support.api import Api
from tests.support.streams import Stream

SECRET = "s3cret"
"""In every password, log file and refused value of these tests: no log record may hold it."""

_UNSPEAKABLE = re.compile(rf"{SECRET}|by_[\w-]{{20}}")


@pytest.fixture(autouse=True)
def discreet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever a test does, nothing that it keeps secret gets into a log record."""
    caplog.set_level(logging.INFO)
    yield
    for record in caplog.get_records("call"):
        # With what comes as fields of its own, which Lambda writes beside the message.
        written = f"{logging.Formatter().format(record)} {vars(record)}"
        assert not _UNSPEAKABLE.search(written), f"a secret was logged: {written}"


@pytest.fixture
def channel(api: Api) -> int:
    """A channel to open batch requests in."""
    return api.open_channel()


@pytest.fixture
def stream(stores: dict[str, str]) -> Stream:
    """The change stream of batch requests, from here on."""
    return Stream()


@pytest.fixture
def sweep_queue(stores: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of the queue that replaced blobs are named to."""
    url = clients.sqs().create_queue(QueueName="sweep")["QueueUrl"]
    monkeypatch.setenv("SWEEP_QUEUE_URL", url)
    return url


@pytest.fixture
def leftovers_queue(stores: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of the queue that removed product batches are named to."""
    url = clients.sqs().create_queue(QueueName="leftovers")["QueueUrl"]
    monkeypatch.setenv("LEFTOVERS_QUEUE_URL", url)
    return url


@pytest.fixture
def lot_stream(stores: dict[str, str]) -> Stream:
    """The change stream of product batches, from here on."""
    return Stream(PRODUCT_BATCHES)


@pytest.fixture
def event_queue(stores: dict[str, str]) -> str:
    """The URL of a queue to which every event of the bus goes."""
    return aws.create_queue(stores)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the service's clock: seconds from the beginning of the test's own minute."""
    start = clock.now() // 60_000_000 * 60_000_000

    def set_to(seconds: float) -> None:
        moment = start + round(seconds * 1_000_000)
        monkeypatch.setattr(clock, "now", lambda: moment)

    return set_to


class Calls(list[str]):
    """The AWS calls that were made, as `dynamodb.GetItem`, in their order.

    The calls for leases stand apart, in `leases`: of requests of this minute, and of primary keys. One more of them
    is due wherever the clock says so.
    """

    leases = 0

    def clear(self) -> None:
        super().clear()
        self.leases = 0

    def writes(self) -> list[str]:
        """Those of them that change something."""
        return [call for call in self if call.split(".")[1].startswith(("Put", "Delete", "Transact", "Update"))]


@contextmanager
def noting(*watched: Any) -> Iterator[Calls]:
    """Notes the AWS calls that these clients make from here on."""
    noted = Calls()

    def note(model: Any, params: Any, **_: Any) -> None:
        if model.name == "UpdateItem" and json.loads(params["body"])["TableName"] == EPHEMERA.name:
            noted.leases += 1
        else:
            noted.append(f"{model.service_model.service_name}.{model.name}")

    for client in watched:
        client.meta.events.register("before-call", note)
    yield noted
    for client in watched:
        client.meta.events.unregister("before-call", note)


@pytest.fixture
def calls(stores: dict[str, str]) -> Iterator[Calls]:
    """Notes the calls of DynamoDB and S3 that are made from here on."""
    with noting(clients.dynamodb(), clients.s3()) as noted:
        yield noted
