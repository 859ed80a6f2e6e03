"""What a failed AWS call means to the business: try again, give up for now, or a defect of ours."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError

from batchyard.errors import Unavailable
from batchyard.store.items import Item, decode

_REFUSED_FOR_NOW = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "Throttling",
        "RequestLimitExceeded",
        "LimitExceededException",
        "TransactionInProgressException",
        "InternalServerError",
        "InternalServiceError",
        "InternalError",
        "InternalFailure",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "SlowDown",
        # A conditional write that is repeated while S3 is still at the first one.
        "ConditionalRequestConflict",
        "RequestTimeout",
        "500",
        "503",
    }
)


class OutOfTime(BotoCoreError):
    """The function would end before the call does."""

    fmt = "The function ends before another attempt would."


def code_of(error: ClientError) -> str:
    """The error code of a failed call, as AWS spells it."""
    return str(error.response.get("Error", {}).get("Code", ""))


def old_item(error: ClientError) -> Item | None:
    """The item that failed a condition, where the call asked for `ALL_OLD`; None where there was none."""
    response: Mapping[str, Any] = error.response
    return decode(response["Item"]) if response.get("Item") else None


def cancellation_reasons(error: ClientError) -> list[str]:
    """Why a transaction was cancelled: a code for each of its actions, `None` for those that were fine."""
    response: Mapping[str, Any] = error.response
    return [str(reason.get("Code")) for reason in response.get("CancellationReasons", [])]


def was_repeated(error: BaseException | None) -> bool:
    """Whether botocore made a failed call more than once, so that an attempt before may have succeeded."""
    if not isinstance(error, ClientError):
        return False
    response: Mapping[str, Any] = error.response
    return bool(response.get("ResponseMetadata", {}).get("RetryAttempts"))


@contextmanager
def reaching_aws() -> Iterator[None]:
    """Turns what botocore gave up on, after its retries or for want of time, into `Unavailable`.

    Anything else, a missing permission or a request that AWS finds invalid, is a defect and goes through.
    """
    try:
        yield
    except (HTTPClientError, NoConnectionError, OutOfTime) as error:
        raise Unavailable from error
    except ClientError as error:
        if code_of(error) in _REFUSED_FOR_NOW:
            raise Unavailable from error
        raise
