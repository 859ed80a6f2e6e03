"""Who changed what, as the log tells it."""

import logging
from typing import Any

import pytest

from batchyard.errors import Contended
from batchyard.http import audit
from batchyard.store.unit import Unit
from tests.support.api import EVERYTHING, Api, batches
from tests.support.batch import request, run_change_set, run_flat
from tests.support.lots import LOT, PUBLIC, codes, make
from tools.generate.handlers import handlers

ANNA = EVERYTHING._replace(user="anna", token="tok_anna")
FIELDS = ("user", "token", "method", "resource", "ids", "made", "status")


@pytest.fixture
def anna(stores: dict[str, str]) -> Api:
    return Api(ANNA)


def told(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The lines so far; they are forgotten."""
    lines = [vars(record) for record in caplog.records if record.name == "batchyard.audit"]
    assert all((line["message"], line["levelno"]) == ("changed", logging.INFO) for line in lines)
    caplog.clear()
    return lines


def changes(caplog: pytest.LogCaptureFixture) -> list[tuple[str, dict[str, str], Any]]:
    """Of each line the method, the IDs and what was made."""
    return [(line["method"], line["ids"], line["made"]) for line in told(caplog)]


def test_no_parameter_is_logged_of_which_nobody_decided() -> None:
    paths = [handler.route[1] for handler in handlers() if handler.route is not None]
    names = {part[1:-1] for path in paths for part in path.split("/") if part.startswith("{")}
    assert names == audit.NAMED | {"codeId"}


def test_the_audit_log_tells_each_change_with_its_user(anna: Api, caplog: pytest.LogCaptureFixture) -> None:
    channel = anna.open_channel()
    pk = anna.open_batch(channel)["pk"]
    lines = told(caplog)
    assert [{name: line[name] for name in FIELDS} for line in lines] == [
        {
            "user": "anna",
            "token": "tok_anna",
            "method": "POST",
            "resource": "/api/v1/channels",
            "ids": {},
            "made": str(channel),
            "status": 201,
        },
        {
            "user": "anna",
            "token": "tok_anna",
            "method": "POST",
            "resource": "/api/v1/channel/{channel_id}/batch_requests",
            "ids": {"channel_id": str(channel)},
            "made": str(pk),
            "status": 201,
        },
    ]
    event, _ = anna.event("POST", batches(channel))
    assert lines[1]["apiRequestId"] == event["requestContext"]["requestId"]
    anna.patch(batches(channel, pk), {"status": "commit"})
    anna.delete(batches(channel, pk))
    ids = {"channel_id": str(channel), "id": str(pk)}
    assert changes(caplog) == [("PATCH", ids, None), ("DELETE", ids, None)]


def test_the_audit_log_tells_no_reads_refusals_or_public_requests(anna: Api, caplog: pytest.LogCaptureFixture) -> None:
    channel = anna.open_channel()
    make(anna, quantity=1)
    [code] = codes(anna)
    told(caplog)
    anna.get(batches(channel))
    anna.post(batches(channel + 1), {"channel": channel + 1})
    anna.post(batches(channel), text="{")
    anna.delete("/nowhere")
    Api(EVERYTHING._replace(scope=EVERYTHING.scope._replace(writes=False))).post(batches(channel), {"channel": channel})
    Api(None).post(batches(channel), {"channel": channel})
    Api(None).get(f"{PUBLIC}/verifySN/{code}")
    Api(None).post("/api/v1/auth/login/", {"username": "x", "password": "y"})
    assert told(caplog) == []


def test_the_code_of_a_serial_is_told_nowhere(anna: Api, caplog: pytest.LogCaptureFixture) -> None:
    make(anna, quantity=3)
    [code, *_] = codes(anna)
    told(caplog)
    assert anna.patch(f"{LOT}/serial/{code}", {"status": "stolen", "reason": "s3cret"}).status == 200
    [line] = told(caplog)
    assert line["ids"] == {"collectionId": "wines", "productId": "barolo", "batchId": "L1"}
    assert code not in str(line)
    assert "s3cret" not in str(line)


def test_requests_of_a_batch_are_told_one_by_one(anna: Api, caplog: pytest.LogCaptureFixture) -> None:
    channel = anna.open_channel()
    told(caplog)
    opened, missing, _ = run_flat(
        anna,
        request("POST", batches(channel), {"channel": channel}),
        request("PATCH", batches(channel, 7), {"status": "commit"}),
        request("GET", batches(channel)),
    )
    assert (opened.status, missing.status) == (201, 404)
    [line] = told(caplog)
    assert (line["user"], line["ids"]) == ("anna", {"channel_id": str(channel)})
    assert line["made"] == str(opened.json()["pk"])
    event, _ = anna.event("POST", "/v1/$batch")
    assert line["apiRequestId"] == event["requestContext"]["requestId"]


def test_a_change_set_is_told_when_it_has_happened_and_once(
    anna: Api, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = anna.open_channel()
    told(caplog)
    opening = request("POST", batches(channel), {"channel": channel}, Content_ID="1")
    undone = run_change_set(anna, opening, request("PATCH", "$1", {"status": "ongoing"}))
    assert not isinstance(undone, list)
    assert told(caplog) == []
    commit, tries = Unit.commit, []

    def overtaken(unit: Unit) -> None:
        tries.append(unit)
        if len(tries) == 1:
            raise Contended
        commit(unit)

    monkeypatch.setattr(Unit, "commit", overtaken)
    done = run_change_set(anna, opening, request("PATCH", "$1", {"status": "commit"}))
    assert isinstance(done, list)
    assert len(tries) == 2
    pk = str(done[1].json()["pk"])
    ids = {"channel_id": str(channel)}
    assert changes(caplog) == [("POST", ids, pk), ("PATCH", {**ids, "id": pk}, None)]


def test_batches_of_products_are_told_by_their_ids(anna: Api, caplog: pytest.LogCaptureFixture) -> None:
    make(anna, quantity=3)
    anna.put(LOT, {"status": "recalled"})
    product = {"collectionId": "wines", "productId": "barolo"}
    assert changes(caplog) == [("POST", product, "L1"), ("PUT", {**product, "batchId": "L1"}, None)]
