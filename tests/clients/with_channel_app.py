"""channel_app on omnisdk: what connectors of marketplaces are made of."""

from typing import Any

from channel_app.core.commands import OmnitronCommandInterface
from channel_app.omnitron.batch_request import ClientBatchRequest
from channel_app.omnitron.commands.batch_requests import BatchRequestUpdate, GetBatchRequests
from omnisdk.exceptions import ValidationError
from omnisdk.omnitron.client import OmnitronApiClient
from omnisdk.omnitron.endpoints import ChannelBatchRequestEndpoint
from omnisdk.omnitron.models import BatchRequest
from requests import HTTPError

JSON = dict[str, Any]


class _Integration:
    """What a command asks of its integration.

    Attributes:
        logins: How often it has logged in.
    """

    def __init__(self, given: JSON) -> None:
        self.channel_id = given["channel"]
        # Endpoints find it by the name of its class, and do not keep it.
        self.client = OmnitronApiClient(f"{given['base']}/", given["username"], given["password"], given.get("token"))
        self.batch_request: BatchRequest | None = None


def token(given: JSON) -> str | JSON:
    """The token that a name and a password are good for, or that was good already; why not, where it is not."""
    try:
        return str(_Integration(given).client.token)
    except ValidationError as error:
        return dict(error.json)


def travel(given: JSON) -> list[JSON]:
    """A batch request as it is answered: when it is opened, with a token that was revoked, and after each step."""
    integration = _Integration(given)
    integration.client.session.headers["Authorization"] = "Token revoked"
    batch_requests = ClientBatchRequest(integration.channel_id)
    batch = batch_requests.create()
    answered = [batch.get_parameters()]
    for step, values in given["steps"]:
        vars(batch).update(values)
        answered.append(getattr(batch_requests, f"to_{step}")(batch).get_parameters())
    return answered


def mark(given: JSON) -> JSON:
    """A batch request whose objects a command has marked, as it is answered."""
    integration = _Integration(given)
    integration.batch_request = ClientBatchRequest(integration.channel_id).create()
    integration.batch_request.content_type = given["content_type"]
    command = OmnitronCommandInterface(integration)
    items = [BatchRequest(**item) for item in given["items"]]
    marked: JSON = command.update_batch_request(
        command.create_batch_objects(items, given["content_type"])
    ).get_parameters()
    return marked


def find(given: JSON) -> list[int]:
    """The primary keys of batch requests that the command for that finds on its page."""
    return [found.pk for found in GetBatchRequests(_Integration(given), params=given["params"]).get_data()]


def find_all(given: JSON) -> list[list[int]]:
    """The primary keys of all batch requests of a channel, page by page."""
    integration = _Integration(given)
    endpoint = ChannelBatchRequestEndpoint(channel_id=integration.channel_id)
    pages = [endpoint.list(params=given["params"]), *endpoint.iterator]
    return [[found.pk for found in page] for page in pages]


def send_back(given: JSON) -> JSON:
    """What is answered where a batch request is read and sent back as a whole; the error where it is refused."""
    integration = _Integration(given)
    batch = ChannelBatchRequestEndpoint(channel_id=integration.channel_id).retrieve(given["pk"])
    vars(batch).update(given["values"])
    try:
        return dict(BatchRequestUpdate(integration).send(batch).get_parameters())
    except HTTPError as error:
        # It puts the body beside what requests had told.
        return {"status": getattr(error.response, "status_code", None), "body": error.args[-1]}
