"""An opening whose answer got lost, and which somebody changed before botocore repeated it."""

from typing import Any

import pytest

from batchyard.store import clients
from tests.support.api import Api, batches


def test_a_batch_request_changed_right_after_its_opening_is_answered_as_opened(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = api.open_channel()
    client = clients.dynamodb()
    put = client.put_item
    opened: list[int] = []

    def lost(**request: Any) -> Any:
        monkeypatch.setattr(client, "put_item", put)
        put(**request)
        opened.append(int(request["Item"]["pk"]["N"]))
        changed = api.patch(batches(channel, opened[0]), {"status": "commit"})
        assert changed.status == 200
        # What botocore's repeat then meets.
        put(**request)

    monkeypatch.setattr(client, "put_item", lost)
    answer = api.post(batches(channel), {"channel": channel})
    assert answer.status == 201, answer.text
    assert answer.json()["pk"] == opened[0]
    assert answer.json()["status"] == "initialized"
    assert api.get(batches(channel)).json()["count"] == 1
