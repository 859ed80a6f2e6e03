"""DynamoDB is where botocore's rules say, also where they are not asked."""

from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import UnknownServiceError
from botocore.session import Session

from batchyard.store import endpoints
from batchyard.store.endpoints import WithoutRules
from tests.support import aws

AWS = Session()
REGIONS = [
    region
    for partition in AWS.get_available_partitions()
    for region in AWS.get_available_regions("dynamodb", partition)
]
SETTINGS: list[dict[str, str]] = [
    {"AWS_USE_FIPS_ENDPOINT": "true"},
    {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
    {"AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "true"},
    {"AWS_ACCOUNT_ID": "123456789012"},
    {"AWS_ACCOUNT_ID_ENDPOINT_MODE": "required"},
    {"AWS_DEFAULT_REGION": "fips-us-gov-west-1"},
]


class Sent(Exception):
    """Where a request would have gone."""


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in aws.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


def has_rules(session: Session) -> bool:
    return not isinstance(session.get_component("data_loader"), WithoutRules)


def place(session: Session, region: str | None = None) -> str:
    """The address that a request goes to and the scope that it is signed for; else why there is none."""

    def stop(request: AWSPreparedRequest, **_: Any) -> None:
        signature: Any = request.headers["Authorization"]
        scope = signature.decode().partition("Credential=")[2].partition(",")[0]
        raise Sent(f"{request.url} {scope}")

    try:
        client: Any = session.create_client("dynamodb", region)
        client.meta.events.register_first("before-send", stop)
        client.get_item(TableName="table", Key={"id": {"S": "a"}})
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    raise AssertionError("the request was sent")


def sessions() -> tuple[Session, Session]:
    """A session as ours, and one as botocore makes it."""
    ours = Session()
    endpoints.register(ours)
    return ours, Session()


def test_in_each_region_it_is_where_the_rules_say() -> None:
    ours, theirs = sessions()
    assert not has_rules(ours)
    for region in [*REGIONS, "eu-nowhere-9", "mars-1", "local"]:
        found = place(ours, region)
        assert found.startswith("Sent: http")
        assert found == place(theirs, region)
    assert len(REGIONS) > 40


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("region", ["us-gov-east-1", "us-iso-east-1", "eu-central-1"])
def test_settings_that_need_the_rules_get_them(
    settings: dict[str, str], region: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"AWS_DEFAULT_REGION": region, **settings}.items():
        monkeypatch.setenv(name, value)
    ours, theirs = sessions()
    assert has_rules(ours)
    assert place(ours) == place(theirs)


def test_credentials_that_are_renewed_may_bring_an_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", "2099-01-01T00:00:00Z")
    ours, theirs = sessions()
    assert has_rules(ours)
    assert place(ours) == place(theirs)


def test_without_credentials_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    ours, theirs = sessions()
    assert place(ours) == place(theirs)


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"])
def test_an_endpoint_of_ones_own_is_asked(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "http://127.0.0.1:4566")
    ours, theirs = sessions()
    assert place(ours).startswith("Sent: http://127.0.0.1:4566/")
    assert place(ours) == place(theirs)


def test_of_all_data_only_these_rules_are_left_out() -> None:
    ours, theirs = (session.get_component("data_loader") for session in sessions())
    assert ours.search_paths == theirs.search_paths
    for service, kind in (("dynamodb", "service-2"), ("sqs", "endpoint-rule-set-1"), ("s3", "endpoint-rule-set-1")):
        assert ours.load_service_model(service, kind) == theirs.load_service_model(service, kind)
    with pytest.raises(UnknownServiceError):
        ours.load_service_model("dynamodb", "endpoint-rule-set-1")
