"""Requests made up from the OpenAPI document, good and bad ones, and what the document promises of the answers.

All of schemathesis's checks run on all of its cases. These ask for random things, of which there are none; so `aim`
turns most of them to things that are there, and leaves alone what a case is about.
"""

import copy
import re
import zlib
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import pytest
import schemathesis
from hypothesis import settings
from schemathesis import Case, CheckContext, GenerationMode
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from batchyard.http import coded, dialects, drf, typed
from batchyard.product_batches.schemas import ID_PATTERN
from tests.contract.service import COLLECTION, GATEWAY, GTIN, NAME, PASSWORD, PRODUCT, SERIALS, Service
from tests.support.documented import document


def schema() -> Any:
    """The document as schemathesis reads it."""
    found = schemathesis.openapi.from_dict(copy.deepcopy(document()))
    found.app = GATEWAY
    # Every accepted request is repeated without and with bad credentials (the check `ignored_auth`): none is made up.
    found.config.generation.update(with_security_parameters=False)
    # Bad requests lead nowhere, so they are left to single cases.
    found.config.phases.stateful.generation.update(modes=[GenerationMode.POSITIVE])
    return found


# Batches are made up by tests of their own: no schema tells a good multipart text from a bad one.
SCHEMA = schema().exclude(path_regex="^/v1/")
# The same code serves all entity sets: here is one operation of each kind of thing that it does.
OF_ENTITY_SETS = [
    "entitySets",
    *(f"Products.{kind}" for kind in ("list", "create", "get", "patch", "delete", "count", "query")),
    *(f"Products.{kind}" for kind in ("Attributes.list", "Labels.count", "UpdateQuantity", "UpdateAttributes")),
    *(f"AttributeValues.{kind}" for kind in ("list", "create", "get", "put", "delete", "Product.get")),
    "DCQuantities.patch",
    "ProductLabels.put",
]
ENTITY_SETS = schema().include(operation_id=OF_ENTITY_SETS)
# Products have a hundred properties, and each of them would be tried at all of its bounds.
ENTITY_SETS.config.phases.coverage.enabled = False

# What a document cannot say: whether a move is allowed depends on the present status.
LIFE_CYCLE = re.compile("Status cannot be changed from|The batch request is finished|The batch request already is")
# The same of product batches: what depends on the batch, on check digits, and on what is written out in JSON.
DEPENDING = re.compile(
    "|".join(
        [
            "It may grow, never shrink",
            "It is fixed as soon as there are serials",
            "The batch has serials 0 to|It has no serials",
            "Ranges must not overlap",
            "A GTIN has 14 digits, and its check digit must be right",
            "This must be a date from 1970 to 9999",
            "It is before the manufactureDate",
            "It is none that an answer gave",
            "The ID of a batch cannot be changed",
            "It (does not go|goes) together with",
            # What a job is asked for depends on how far it is, and on what it is.
            "Cannot (confirm|cancel|undo)",
            "Ensure this has no more than 16384 bytes",
            "Modules would measure less than 0.396 mm in more than",
            # Lists of jobs: columns with commas, and dates in one of several forms.
            "(order|fields|expand): property .* does not exist",
            "must be an ISO 8601 date, or seconds since 1970",
            r"must be null, or have one of \[",
            "context must (have at most 65536 bytes|hold whole characters)",
            "must be shorter than or equal to 900 bytes",
        ]
    ),
    # Names that were sent may have line ends in them.
    re.DOTALL,
)


# The same of entity sets: what a query means, and what there is. Numbers of 2^53 and more lose digits on their way.
DEPENDING_ON_ENTITIES = re.compile(
    r"\$filter|\$orderby|There is no|There is a product with|is required|stands? there twice|has \d+ characters, of"
    r"|does not change its parent|A child is no parent|Only a parent without|is made as a parent|Unconfirmed quantities"
    r"|A bundle has no|A quantity is from 0"
)


def errors_are_those_of_the_family(context: CheckContext, response: Response, case: Case[Any]) -> None:
    """Each family of routes words its errors in a shape of its own."""
    if response.status_code < 400:
        return
    dialect = dialects.of_path(case.path)
    if dialect is typed and response.status_code == 401:
        assert response.text == "Unauthorized"
        return
    said = response.json()
    if case.path.startswith("/v1/"):
        assert list(said) == ["error"]
        assert list(said["error"]) == ["code", "message"]
        assert said["error"]["message"]
        return
    if dialect is typed:
        assert list(said) == ["type", "message"]
        assert re.fullmatch("[a-z]+(_[a-z]+)*", said["type"])
        assert said["message"]
        return
    if dialect is drf:
        assert isinstance(said, dict | list)
        assert "errorCode" not in said
        return
    assert list(said) == ["code", "errorCode", "message", "details"]
    assert said["code"] == response.status_code
    assert re.fullmatch("[A-Z]+(_[A-Z]+)*", said["errorCode"])
    assert said["message"]
    assert isinstance(said["details"], dict)
    if said["errorCode"] == "VALIDATION_ERROR":
        assert said["details"]["fields"]
        for messages in said["details"]["fields"].values():
            assert messages
            assert all(isinstance(message, str) and message for message in messages)


def accepted_as_far_as_a_document_can_tell(context: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """schemathesis's check of good requests, without what depends on more than the request."""
    said = response.json() if response.status_code == 400 else {}
    sent = {name.lower() for name in case.headers}
    if case.path.startswith("/v1/") and said and DEPENDING_ON_ENTITIES.search(said["error"]["message"]):
        return None
    if dialects.of_path(case.path) is coded and said and _depends(said):
        return None
    if dialects.of_path(case.path) is typed and DEPENDING.search(said.get("message", "")):
        return None
    # This client sends a semicolon as it is, and API Gateway takes it for the end of a parameter.
    if "should not exist" in said.get("message", "") and any(";" in str(value) for value in case.query.values()):
        return None
    if set(said) == {"status"} and LIFE_CYCLE.match(said["status"][0]):
        return None
    # It writes the number beyond the greatest as text, too, and takes it for one that the text's pattern permits.
    beyond = isinstance(case.body, dict) and case.body.get("channel") == str(2**63)
    if set(said) == {"channel"} and (beyond or said["channel"] == ["The channel is not active."]):
        return None
    if said == {"non_field_errors": ["Unable to log in with provided credentials."]}:
        return None
    if response.status_code in {304, 412} and sent & {"if-match", "if-none-match"}:
        return None
    return positive_data_acceptance(context, response, case)


# They have much in common.
OF_ENTITY_SET = max(1, settings.get_profile("contract").max_examples // 4)
CHECKS: list[Any] = [accepted_as_far_as_a_document_can_tell, errors_are_those_of_the_family]


def _depends(said: dict[str, Any]) -> bool:
    if said["errorCode"] == "INVALID_CODE":
        return True
    fields = said["details"].get("fields", {})
    return bool(fields) and all(DEPENDING.match(message) for messages in fields.values() for message in messages)


def aim(case: Case[Any], service: Service) -> None:
    """Turns a case to things that are there."""
    at_random = zlib.crc32(repr((case.path_parameters, case.query, dict(case.headers), case.body)).encode()) // 8
    meta = case.meta
    assert meta is not None
    about_path = meta.is_negative_at(ParameterLocation.PATH) or (
        meta.phase.data is not None and meta.phase.data.parameter_location == ParameterLocation.PATH
    )
    # The others ask for what is not there.
    if not about_path and at_random % 8:
        if "collectionId" in case.path_parameters:
            _aim_at_product_batch(case, service, at_random // 8)
        if "channel_id" in case.path_parameters:
            case.path_parameters["channel_id"] = service.channel
        if case.path == "/admin/products/{id}":
            case.path_parameters["id"] = service.product
        elif case.path.startswith("/admin/batch-jobs/"):
            case.path_parameters["id"] = service.new_job(case.path.rpartition("/")[2])
        elif "id" in case.path_parameters:
            case.path_parameters["id"] = _target(case, service, at_random // 8)
        if case.path.startswith("/v1/"):
            _aim_at_entity(case, service)
    match case.query.get("status"):
        case str() as one:
            # In a URL this is no other thing than a list of one.
            case.query["status"] = [one]
        case dict() as several:
            case.query["status"] = list(several)
    aim_body(case)
    if "If-Match" in case.headers and at_random % 2 and not meta.is_negative_at(ParameterLocation.HEADER):
        # Only these have versions, and a list has no tag at all.
        versioned = case.method != "POST" and case.path.rstrip("/").endswith(("batch_requests/{id}", "batch/{batchId}"))
        case.headers["If-Match"] = '"1", "2", "3", "4"' if versioned else "*"
    body: Any = case.body
    match body:
        case {"file_key": str()} if at_random % 2 and not meta.is_negative_at(ParameterLocation.BODY):
            body["file_key"] = service.new_file()
        case {"type": str(), "context": dict()} if at_random % 2 and not meta.is_negative_at(ParameterLocation.BODY):
            body["type"] = "product-export"
        case {"files": list(files)} if not meta.is_negative_at(ParameterLocation.BODY):
            # Werkzeug writes an empty file without the line end before the next boundary, which no client does.
            body["files"] = [file or b"x" for file in files]
    if case.path == "/admin/auth/token" and at_random % 2 and not meta.is_negative_at(ParameterLocation.BODY):
        case.body = {"email": NAME, "password": PASSWORD}
    if case.path.endswith("/login/") and at_random % 2 and not meta.is_negative_at(ParameterLocation.BODY):
        case.body = {"username": NAME, "password": PASSWORD}


def _aim_at_entity(case: Case[Any], service: Service) -> None:
    wanted = case.path_parameters
    meta = case.meta
    if isinstance(case.body, dict) and meta is not None and not meta.is_negative_at(ParameterLocation.BODY):
        # What is refused for what it is, and not for what it says.
        for name in ("ParentProductID", "IsParent", "BundleComponents"):
            case.body.pop(name, None)
        if isinstance(case.body.get("ProductID"), int):
            case.body["ProductID"] = service.entity
    if {"ID", "ProductID"} & wanted.keys():
        id = service.entity if case.operation.method.upper() == "GET" else service.new_entity()
        wanted["ID" if "ID" in wanted else "ProductID"] = id
    if "AttributeValues" in case.path and "Name" in wanted:
        wanted["Name"] = "Size"
    if "DistributionCenterID" in wanted:
        wanted["DistributionCenterID"] = 0


def aim_body(case: Case[Any]) -> None:
    """Makes what a body repeats of its path the same, where it is one at all, and a GTIN's check digit right."""
    if isinstance(case.body, dict):
        sent = case.body.get("id")
        if isinstance(sent, str) and re.fullmatch(ID_PATTERN, sent) and "batchId" in case.path_parameters:
            # Parameters of paths are encoded by now.
            case.body["id"] = unquote(str(case.path_parameters["batchId"]))
        gtin = case.body.get("gtin")
        if isinstance(gtin, str) and re.fullmatch("[0-9]{14}", gtin):
            case.body["gtin"] = GTIN
        match case.body.get("channel"):
            case int() | float() as number if type(number) is not bool and _is_integer(number):
                case.body["channel"] = case.path_parameters["channel_id"]
            case str(digits) if re.fullmatch("-?[0-9]{1,18}", digits):
                case.body["channel"] = str(case.path_parameters["channel_id"])


def _is_integer(number: float) -> bool:
    return -(2**63) <= number < 2**63 and int(number) == number


def _target(case: Case[Any], service: Service, at_random: int) -> int:
    if "channel_id" not in case.path_parameters:
        return service.new_channel() if case.method == "DELETE" else service.channel
    moves: list[dict[str, Any]] = [
        {"status": "commit", "content_type": "product", "objects": [{"pk": 1}], "log_file": "sent"},
        {"status": "sent_to_remote", "remote_batch_id": "r-1"},
        {"status": "done"},
    ]
    return service.new_batch(*moves[: at_random % (len(moves) + 1)])


def _aim_at_product_batch(case: Case[Any], service: Service, at_random: int) -> None:
    wanted = case.path_parameters
    wanted["collectionId"] = COLLECTION
    if "productId" in wanted:
        wanted["productId"] = PRODUCT
    start = at_random % (SERIALS - 10)
    # Some cases are sent with methods that are not the operation's.
    match case.operation.method.upper():
        case "GET":
            batch, start = service.readable, 0
        case "PUT" | "DELETE":
            # Serials cost moto a look at everything that it holds.
            fields: dict[str, Any] = {
                "status": ("draft", "active", "recalled")[at_random % 3],
                "quantity": at_random // 3 % 8 // 7,
            }
            batch = service.new_product_batch(**fields) if "batchId" in wanted else ""
        case _:
            batch = service.changeable
    if "batchId" in wanted:
        wanted["batchId"] = batch
    if "codeId" in wanted:
        code = service.codes(batch, start)[0]
        wanted["codeId"] = code if at_random % 3 else f"{code[:4]}-{code[4:]}".lower()
    if "changeId" in wanted:
        wanted["changeId"] = service.new_change(batch, start)
    if "exportId" in wanted:
        wanted["exportId"] = service.export


@pytest.fixture(scope="module")
def asked(service: Service) -> Iterator[set[str]]:
    """The operations whose cases ran here. Refusals alone would prove little: some of each must have been fine."""
    operations: set[str] = set()
    yield operations
    assert operations <= {operation for operation, status in GATEWAY.answered if status < 400}


@SCHEMA.parametrize()  # type: ignore[untyped-decorator]
@settings(settings.get_profile("contract"))
def test_generated_requests_are_answered_as_the_document_says(
    case: Case[Any], service: Service, asked: set[str]
) -> None:
    hold(case, service, asked)


@ENTITY_SETS.parametrize()  # type: ignore[untyped-decorator]
@settings(settings.get_profile("contract"), max_examples=OF_ENTITY_SET)
def test_generated_entity_set_requests_are_answered_as_the_document_says(
    case: Case[Any], service: Service, asked: set[str]
) -> None:
    hold(case, service, asked)


def _is_of_the_gateway(response: Response) -> bool:
    """Whether API Gateway had no ARN for a path, or no room for a body, of which it tells in all families' words."""
    if response.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return {"detail", "errorCode"} <= response.json().keys()
    return response.status_code == HTTPStatus.REQUEST_URI_TOO_LONG


def hold(case: Case[Any], service: Service, asked: set[str]) -> None:
    """Asks what a case asks, and holds the answer against the document."""
    asked.add(case.operation.definition.raw["operationId"])
    aim(case, service)
    headers = {"Authorization": f"Token {service.key}"}
    response = case.call(headers=headers)
    # What API Gateway refuses before it knows a route, the document does not tell of.
    if not _is_of_the_gateway(response):
        # What a condition refuses is refused, whatever else would be wrong with it; schemathesis does not know 412.
        refused = [negative_data_rejection] if response.status_code == HTTPStatus.PRECONDITION_FAILED else []
        case.validate_response(
            response, excluded_checks=[positive_data_acceptance, *refused], additional_checks=CHECKS, headers=headers
        )


def test_links_of_the_document_lead_from_request_to_request(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Follows the document's links: what was made is there until it is removed, and then no more."""

    class Workflow(SCHEMA.as_state_machine()):  # type: ignore[misc] # made from the document
        def setup(self) -> None:
            # Some requests are not aimed at anything; they must not meet what another workflow has left behind.
            self.credentials = {"Authorization": f"Token {Service(monkeypatch).key}"}

        def get_call_kwargs(self, case: Case[Any]) -> dict[str, Any]:
            return {"headers": self.credentials}

        def before_call(self, case: Case[Any]) -> None:
            aim_body(case)

        def validate_response(self, response: Response, case: Case[Any], **options: Any) -> None:
            if _is_of_the_gateway(response):
                return
            case.validate_response(
                response,
                excluded_checks=[positive_data_acceptance],
                additional_checks=CHECKS,
                headers=self.credentials,
                transport_kwargs=options,
                recorder=self.recorder,
            )

    Workflow.run(settings=settings(settings.get_profile("contract"), stateful_step_count=20))
