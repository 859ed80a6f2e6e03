"""The watch over what functions do: whose a call is, and what it asks for."""

import pytest

from batchyard.store import blobs, clients
from batchyard.store.blobs import Blob
from product_batches import expire
from tests.support import permissions
from tests.support.api import Api, Context


@pytest.fixture(autouse=True)
def used(monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, str]]:
    """What is noted from here on."""
    noted: set[tuple[str, str]] = set()
    monkeypatch.setattr(permissions, "USED", noted)
    return noted


def test_a_trigger_acts_in_its_own_name(stores: dict[str, str], used: set[tuple[str, str]]) -> None:
    expire.handler({}, Context())
    assert ("ExpireProductBatchesFunction", "dynamodb:Query ${ProductBatchesTable.Arn}/index/by_expiry") in used
    assert {function for function, _ in used} == {"ExpireProductBatchesFunction"}


def test_calls_of_a_test_itself_are_no_functions_calls(api: Api, used: set[tuple[str, str]]) -> None:
    clients.dynamodb().list_tables()
    with permissions.acting("product_batches.expire.handler"), permissions.by_the_test():
        assert api.get("/api/v1/channels/").status == 200
        blobs.write(Blob("files/1", b"", "text/plain"))
    assert {function for function, _ in used} == {"ListChannelsFunction"}


def test_reading_an_object_version_needs_a_permission_of_its_own(
    stores: dict[str, str], used: set[tuple[str, str]]
) -> None:
    blobs.write(Blob("files/1", b"12", "text/plain"))
    with permissions.acting("batch_jobs.work.handler"):
        found = blobs.version_of("files/1")
        assert found is not None
        assert blobs.read_range("files/1", 0, 1, found[1]) == b"1"
    prefix = "${ContentBucket.Arn}/files/*"
    assert {power for _, power in used} == {f"s3:GetObject {prefix}", f"s3:GetObjectVersion {prefix}"}


def test_permissions_that_no_function_uses_are_told(used: set[tuple[str, str]]) -> None:
    function = "ExpireProductBatchesFunction"
    every = {(function, power) for power in permissions.powers(function)}
    told = {one for one in permissions.unused(set()) if one.startswith(function)}
    assert told == {f"{function} {power}" for _, power in every if "SendMessageBatch" not in power}
    left = ("dynamodb:Query ${ProductBatchesTable.Arn}/index/by_expiry",)
    one_left = permissions.unused({one for one in every if one[1] not in left})
    assert [one for one in one_left if one.startswith(function)] == [f"{function} {left[0]}"]


def test_calls_that_a_functions_policy_denies_are_told(stores: dict[str, str], used: set[tuple[str, str]]) -> None:
    with permissions.acting("channels.list.handler"):
        blobs.write(Blob("files/1", b"", "text/plain"))
    assert permissions.REFUSED == ["ListChannelsFunction may not s3:PutObject ${ContentBucket.Arn}/files/*"]
    permissions.REFUSED.clear()
