"""Where DynamoDB is: found once by botocore's list of endpoints, not by rules at each call.

botocore has rules for each service, which may lead each call elsewhere: by FIPS, dual stack, or the ID of the account.
Where none of that is wanted they say the same each time, and the list says it too. A service without rules is looked up
in the list when its client is made.

Why: docs/decisions.md#dynamodbs-endpoint-is-looked-up-once
"""

from typing import TYPE_CHECKING, Any, override

from botocore.credentials import RefreshableCredentials
from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader

if TYPE_CHECKING:
    from botocore.session import Session

_SERVICE = "dynamodb"
_RULES = "endpoint-rule-set-1"


class WithoutRules(Loader):
    """Loads botocore's data, without the rules for DynamoDB's endpoints."""

    @override
    def load_service_model(self, service_name: str, type_name: str, api_version: str | None = None) -> Any:
        """The data of one kind about a service.

        Raises:
            UnknownServiceError: There is none.
        """
        if (service_name, type_name) == (_SERVICE, _RULES):
            raise UnknownServiceError(service_name=service_name, known_service_names="those that need rules")
        return super().load_service_model(service_name, type_name, api_version)


def register(session: "Session") -> None:
    """Has clients that a session makes from now on find DynamoDB so, unless its settings need the rules."""
    if not _needs_rules(session):
        paths = session.get_component("data_loader").search_paths
        session.register_component("data_loader", WithoutRules(paths, include_default_search_paths=False))


def _needs_rules(session: "Session") -> bool:
    """Whether the rules may say another endpoint than the list."""
    setting = session.get_config_variable
    # The ID of an account comes with its credentials. Which these are may show only when they are first used.
    credentials: Any = session.get_credentials()
    may_have_account = credentials is not None and (
        isinstance(credentials, RefreshableCredentials) or credentials.account_id
    )
    return bool(
        may_have_account
        or setting("account_id_endpoint_mode") == "required"
        or setting("use_fips_endpoint")
        or setting("use_dualstack_endpoint")
        or "fips" in (setting("region") or "")
    )
