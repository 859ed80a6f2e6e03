"""`functions/docs/openapi.json`: the OpenAPI document of the whole API, merged from those of its functions.

Every handler that has an `app` describes its own route. The document lies where the function that serves it finds it.
"""

import json
import warnings
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from itertools import count
from typing import Any, NamedTuple

from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from pydantic import BaseModel

from batchyard.catalogue.entity_sets import writing
from batchyard.catalogue.entity_sets.model import MODEL, PRODUCT
from batchyard.http import coded, dialects, drf, typed
from batchyard.http.app import Dialect
from tools.generate import Unfit, batch_document, conditions, entity_sets_document
from tools.generate.entity_sets_document import EntitySets
from tools.generate.handlers import Handler

type Json = dict[str, Any]

_OF_NEW_BATCH_REQUEST = (
    "retrieveBatchRequest",
    "updateBatchRequest",
    "partialUpdateBatchRequest",
    "deleteBatchRequest",
    "uploadLogFile",
)
_OF_BATCH_REQUEST = (*_OF_NEW_BATCH_REQUEST, "downloadLogFile")
_SAME_BATCH_REQUEST = {"channel_id": "$request.path.channel_id", "id": "$request.path.id"}
_IN_COLLECTION = {"collectionId": "$request.path.collectionId"}
_IN_PRODUCT = {**_IN_COLLECTION, "productId": "$request.path.productId"}
_SAME_PRODUCT_BATCH = {**_IN_PRODUCT, "batchId": "$request.path.batchId"}
_NEW_PRODUCT_BATCH = {**_IN_PRODUCT, "batchId": "$response.body#/id"}
_OF_PRODUCT_BATCH = (
    "retrieveProductBatch",
    "updateProductBatch",
    "deleteProductBatch",
    "retrievePublicProductBatch",
    "getSerials",
    "changeSerials",
    "listSerialChanges",
    "exportSerials",
)
_FIRST_SERIAL = {"codeId": "$response.body#/items/0/code"}
# What can be done with what an operation answers: the operation, the parameters of those to follow, and these.
_LINKS: tuple[tuple[str, str, dict[str, str], tuple[str, ...]], ...] = (
    (
        "createChannel",
        "201",
        {"id": "$response.body#/pk"},
        ("retrieveChannel", "partialUpdateChannel", "deleteChannel"),
    ),
    ("createChannel", "201", {"channel_id": "$response.body#/pk"}, ("listBatchRequests", "createBatchRequest")),
    (
        "createBatchRequest",
        "201",
        {"channel_id": "$request.path.channel_id", "id": "$response.body#/pk"},
        _OF_NEW_BATCH_REQUEST,
    ),
    ("createBatchRequest", "201", {"channel_id": "$request.path.channel_id"}, ("listBatchRequests",)),
    ("partialUpdateBatchRequest", "200", _SAME_BATCH_REQUEST, _OF_BATCH_REQUEST),
    ("updateBatchRequest", "200", _SAME_BATCH_REQUEST, _OF_BATCH_REQUEST),
    ("deleteBatchRequest", "204", _SAME_BATCH_REQUEST, _OF_BATCH_REQUEST),
    ("deleteChannel", "204", {"id": "$request.path.id"}, ("retrieveChannel", "partialUpdateChannel")),
    ("createProductBatch", "200", _NEW_PRODUCT_BATCH, _OF_PRODUCT_BATCH),
    (
        "createProductBatch",
        "200",
        {**_IN_COLLECTION, "batchId": "$response.body#/id"},
        ("findProductBatch", "listProductBatchTags"),
    ),
    ("createProductBatch", "200", _IN_PRODUCT, ("listProductBatches",)),
    ("createProductBatch", "200", _IN_COLLECTION, ("searchProductBatches",)),
    ("updateProductBatch", "200", _SAME_PRODUCT_BATCH, _OF_PRODUCT_BATCH),
    ("deleteProductBatch", "200", _SAME_PRODUCT_BATCH, _OF_PRODUCT_BATCH),
    ("getSerials", "200", {**_SAME_PRODUCT_BATCH, **_FIRST_SERIAL}, ("lookupSerial", "changeSerial")),
    ("getSerials", "200", {**_IN_PRODUCT, **_FIRST_SERIAL}, ("lookupSerialInProduct",)),
    ("getSerials", "200", {**_IN_COLLECTION, **_FIRST_SERIAL}, ("lookupSerialInCollection", "verifySerial")),
    ("exportSerials", "202", {**_SAME_PRODUCT_BATCH, "exportId": "$response.body#/id"}, ("retrieveSerialExport",)),
    ("changeSerials", "200", {**_SAME_PRODUCT_BATCH, "changeId": "$response.body#/id"}, ("undoSerialChange",)),
    ("changeSerial", "200", {**_SAME_PRODUCT_BATCH, "changeId": "$response.body#/changeId"}, ("undoSerialChange",)),
)
_TAGS: Mapping[str, str] = {
    "Batch jobs": "Long work on the catalogue: asked for, looked at while it runs, confirmed, called off, taken back",
    "Channel batch requests": "Loads of objects on their way to a sales channel, followed object by object",
    "Channels": "Where batch requests go",
    "Documentation": "This document, and the page that shows it",
    "Files": "What jobs read and write",
    "Identity": "Keys, and whose they are",
    "Product batches": "Lots of a product in a collection",
    "Products": "The catalogue as jobs see it; to change single products, see the entity sets",
    "Serial numbers": "Codes of single items of a product batch",
}
# What the names of refusals begin with, which are shared by the routes of a family.
_FAMILIES: dict[Dialect, str] = {drf: "", coded: "Coded", typed: "Typed"}
_NOT_MET = 412
_OF_CONDITIONS = (400, _NOT_MET)
# The headers that the clients of a family bring their key in.
_SECURITY: dict[Dialect, list[Json]] = {
    coded: [{"Token": []}, {"ApiKey": []}],
    typed: [{"Token": []}, {"AccessToken": []}],
}
_METHODS = ("get", "post", "put", "patch", "delete")
# What powertools documents for any validated route, though our dialects answer 400 there.
_VALIDATION_STATUS = "422"
_NO_BODY = ("204", "303", "304")
_SCHEMA = "#/components/schemas/"
_RESPONSE = "#/components/responses/"
_DESCRIPTION = (
    "The yard where a commerce backend's batches are made up, sent off and followed. "
    "Send `Authorization: Token <key>` or `Bearer <key>`; where `/admin` begins the path, `X-API-Key: <key>` and "
    "`x-medusa-access-token: <key>` do as well; `/public` asks for none. "
    "Paths under `/api/v1` work with and without their last slash. Many requests, to "
    "any route, go in one call of OData's `POST /v1/$batch`. HEAD is answered wherever GET is."
)


class Described(NamedTuple):
    """What no function describes.

    Attributes:
        paths: Paths with their items.
        schemas: What they refer to.
        tags: What there is to say of their tags.
    """

    paths: Json
    schemas: Json
    tags: Mapping[str, str]


def merged(resolvers: Iterable[APIGatewayRestResolver], *others: Described) -> Json:
    """One document of them all.

    Args:
        resolvers: The functions whose documents it is made of.
        others: What none of them describes.

    Raises:
        Unfit: Two functions describe the same operation, or a different thing by the same name, or one says too little.
    """
    paths: dict[str, Json] = {}
    schemas: Json = {}
    for resolver in resolvers:
        own = _own_document(resolver)
        _state_limits_of_queries(resolver, own)
        for path, operations in own.get("paths", {}).items():
            item = paths.setdefault(_as_documented(path), {})
            for method, operation in operations.items():
                if method in item:
                    raise Unfit(f"two functions answer {method.upper()} {path}")
                described = _with_conditions(path, method, operation)
                item[method] = _operation(path, described, public=getattr(resolver, "public", False))
        for name, schema in own.get("components", {}).get("schemas", {}).items():
            if schemas.setdefault(name, schema) != schema:
                raise Unfit(f"two functions mean different things by the schema {name}")
    tags = dict(_TAGS)
    for other in others:
        if twice := (paths.keys() & other.paths) | (schemas.keys() & other.schemas):
            raise Unfit(f"described twice: {', '.join(sorted(twice))}")
        paths |= other.paths
        schemas |= other.schemas
        tags |= other.tags
    _verify(paths, tags)
    _link(paths)
    _excuse_empty_bodies(paths, schemas)
    _drop_defaults_of_changes(paths, schemas)
    _share_errors(paths, schemas)
    responses = _share_refusals(paths)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Batchyard", "version": "1.0.0", "description": _DESCRIPTION},
        # The function that serves the document puts the address here by which it was asked.
        "servers": [{"url": "/"}],
        "security": [{"Token": []}],
        "tags": [
            {"name": name, "description": tags[name]}
            for name in sorted({tag for _, _, operation in _all(paths) for tag in operation["tags"]})
        ],
        "paths": {
            path: {method: item[method] for method in _METHODS if method in item}
            for path, item in sorted(paths.items())
        },
        "components": {
            "responses": dict(sorted(responses.items())),
            "schemas": {name: schemas[name] for name in sorted(_named([paths, responses], schemas))},
            "securitySchemes": {
                "Token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "`Token <key>`; `Bearer <key>` is accepted, too",
                },
                "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The key alone"},
                "AccessToken": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "x-medusa-access-token",
                    "description": "The key alone",
                },
                "QueryToken": {
                    "type": "apiKey",
                    "in": "query",
                    "name": "access_token",
                    "description": "The key alone, for clients of entity sets that can send no header",
                },
            },
        },
    }


def _state_limits_of_queries(resolver: APIGatewayRestResolver, own: Json) -> None:
    """Puts the schemas of a model's fields in the place of those that powertools guesses from their types."""
    routes = (*resolver._static_routes, *resolver._dynamic_routes)
    fields = [field for route in routes for field in route.dependant.query_params]
    models = [field.type_ for field in fields if isinstance(field.type_, type) and issubclass(field.type_, BaseModel)]
    known = {name: schema for model in models for name, schema in _properties(model).items()}
    operations = (operation for item in own.get("paths", {}).values() for operation in item.values())
    for parameter in (parameter for operation in operations for parameter in operation.get("parameters", ())):
        if parameter["in"] == "query" and parameter["name"] in known:
            parameter["schema"] = known[parameter["name"]]


def _properties(model: type[BaseModel]) -> Json:
    """The schemas of a model's fields by their aliases; what may be null may be left out, which a query says so."""
    found = {}
    for name, schema in model.model_json_schema(by_alias=True)["properties"].items():
        [some] = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]
        described = {"description", "default", "title", "anyOf"}
        found[name] = {**some, **{key: value for key, value in schema.items() if key not in described}}
    return found


def text(handlers: Iterable[Handler]) -> str:
    """The document of all handlers, as it is committed. Its examples are of samples, so the template must be fresh."""
    from tools.generate.examples import Examples
    from tools.samples import SAMPLES

    resolvers = (handler.app for handler in handlers if handler.app is not None)
    batch = Described({batch_document.PATH: batch_document.item()}, batch_document.SCHEMAS, batch_document.TAGS)
    document = merged(resolvers, batch, entity_sets())
    examples = Examples(SAMPLES, document["components"]["schemas"])
    for path, method, operation in _all(document["paths"]):
        examples.add(path, method, operation)
    return as_text(document)


def entity_sets() -> Described:
    """The catalogue's entity sets."""
    sets = EntitySets(MODEL, writing.writable, [MODEL.set_of(PRODUCT).name])
    return Described(dict(sets.paths()), sets.schemas(), sets.tags())


def as_text(document: Json) -> str:
    """A document as it is committed."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _own_document(resolver: APIGatewayRestResolver) -> Json:
    with warnings.catch_warnings():
        # Powertools only warns where two operations of one function have the same id.
        warnings.simplefilter("error")
        schema = resolver.get_openapi_schema()
    document: Json = _with_whole_numbers(schema.model_dump(mode="json", by_alias=True, exclude_none=True))
    return document


def _with_whole_numbers(value: Any) -> Any:
    """The same with integers for what powertools keeps as a float, its bounds above all."""
    match value:
        case dict():
            return {name: _with_whole_numbers(inner) for name, inner in value.items()}
        case list():
            return [_with_whole_numbers(inner) for inner in value]
        case float() if value.is_integer():
            # The largest 64-bit integer is no float; it became the next one above it.
            return 2**63 - 1 if value == 2**63 else int(value)
        case _:
            return value


def _as_documented(path: str) -> str:
    """Django REST framework's paths end with a slash, and that is how their clients know them."""
    return f"{path.rstrip('/')}/" if path.startswith("/api/v1/") else path


def _with_conditions(path: str, method: str, operation: Json) -> Json:
    """The operation with the headers that make it conditional, and how it is answered then.

    Every read has a condition; of what changes things, that is whatever says that its condition may not hold.
    """
    known = operation["responses"]
    refusals = dialects.of_path(path).documented(200, None, *_OF_CONDITIONS)
    responses = {**{str(status): refusals[status] for status in _OF_CONDITIONS}, **known}
    if method == "get" and "200" in known:
        names = ["If-None-Match"]
        responses["304"] = {"description": "Not Modified"}
    elif str(_NOT_MET) in known:
        names = ["If-Match", "If-None-Match"]
    else:
        return operation
    found = map(conditions.parameter, names)
    return operation | {"parameters": [*operation.get("parameters", ()), *found], "responses": responses}


def _operation(path: str, operation: Json, *, public: bool) -> Json:
    described = dict(operation)
    if parameters := operation.get("parameters"):
        described["parameters"] = [_parameter(parameter) for parameter in parameters]
    described["responses"] = {
        status: {name: value for name, value in response.items() if name != "content" or status not in _NO_BODY}
        for status, response in sorted(operation["responses"].items())
        if status != _VALIDATION_STATUS
    }
    if public:
        described["security"] = []
    elif (security := _SECURITY.get(dialects.of_path(path))) is not None:
        described["security"] = security
    return described


def _parameter(parameter: Json) -> Json:
    """A parameter that is not given is None in a handler, but no null can be sent in a URL or a header."""
    schema = dict(parameter["schema"])
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) == 1:
        schema = kinds[0] | {name: value for name, value in schema.items() if name != "anyOf"}
    return parameter | {"schema": schema}


def _link(paths: dict[str, Json]) -> None:
    """Says what can be done next with what an operation answers, and where its parameters come from."""
    operations = {operation["operationId"]: operation for _, _, operation in _all(paths)}
    for source, status, parameters, targets in _LINKS:
        for target in targets:
            if source in operations and target in operations:
                links = operations[source]["responses"][status].setdefault("links", {})
                links[target] = {"operationId": target, "parameters": parameters}


def _excuse_empty_bodies(paths: dict[str, Json], schemas: Json) -> None:
    """A body of which nothing is required may as well be absent."""
    for _, _, operation in _all(paths):
        body = operation.get("requestBody")
        if body is not None and "application/json" in body["content"]:
            schema = body["content"]["application/json"]["schema"]
            operation["requestBody"] = body | {
                "required": bool(schemas[schema["$ref"].removeprefix(_SCHEMA)].get("required"))
            }


def _drop_defaults_of_changes(paths: dict[str, Json], schemas: Json) -> None:
    """In the body of a change, what is left out stays as it is: the models' defaults only mark it as absent."""
    for _, method, operation in _all(paths):
        if method in {"patch", "put"}:
            for media_type in operation["requestBody"]["content"].values():
                name = media_type["schema"]["$ref"].removeprefix(_SCHEMA)
                schemas[name] = schemas[name] | {
                    "properties": {
                        field: {key: value for key, value in schema.items() if key != "default"}
                        for field, schema in schemas[name]["properties"].items()
                    }
                }


def _family(path: str) -> str:
    return "OData" if path.startswith(entity_sets_document.ROOT) else _FAMILIES[dialects.of_path(path)]


def _share_errors(paths: dict[str, Json], schemas: Json) -> None:
    """Has the errors of a family one schema, which says what is so of all of them; what they are called is told."""
    for path, _, operation in _all(paths):
        for status, response in operation["responses"].items():
            content = response.get("content", {}).get("application/json") if status >= "400" else None
            if content is not None and "$ref" not in content["schema"]:
                own = content["schema"]
                name = f"{_family(path)}Error" if "properties" in own or "anyOf" in own else "FieldErrors"
                schemas[name] = _both(schemas.get(name), own)
                content["schema"] = {"$ref": f"{_SCHEMA}{name}"}
                if names := [
                    f"`{one}`" for inner in own.get("properties", {}).values() for one in inner.get("enum", ())
                ]:
                    response["description"] += f": {', '.join(names)}"


def _both(one: Json | None, other: Json) -> Json:
    """A schema for what one of two schemas of objects takes, or the other."""
    if "properties" not in other:
        return other
    whole = {**other, "properties": dict(other["properties"])} if one is None else one
    for name, schema in other["properties"].items():
        known = whole["properties"][name]
        plain = {key: value for key, value in schema.items() if key not in {"const", "enum"}}
        if "enum" in schema:
            plain["enum"] = sorted({*known.get("enum", ()), *schema["enum"]})
        whole["properties"][name] = plain
    return whole


def _share_refusals(paths: dict[str, Json]) -> Json:
    """The answers to refused requests are the same for most routes of a family: said once, and referred to."""
    shared: Json = {}
    for path, _, operation in _all(paths):
        for status, response in operation["responses"].items():
            if status >= "400":
                kind = _family(path) + HTTPStatus(int(status)).phrase.replace(" ", "")
                names = (f"{kind}{number}" if number > 1 else kind for number in count(1))
                name = next(name for name in names if shared.setdefault(name, response) == response)
                operation["responses"][status] = {"$ref": f"{_RESPONSE}{name}"}
    return shared


def _named(value: Any, schemas: Json) -> set[str]:
    """The schemas that something refers to, or that those refer to."""
    found: set[str] = set()
    waiting = [value]
    while waiting:
        match waiting.pop():
            case {"$ref": str(reference)} if reference.startswith(_SCHEMA):
                name = reference.removeprefix(_SCHEMA)
                if name not in found:
                    found.add(name)
                    waiting.append(schemas[name])
            case dict() as inner:
                waiting.extend(inner.values())
            case list() as inner:
                waiting.extend(inner)
    return found


def _all(paths: dict[str, Json]) -> Iterator[tuple[str, str, Json]]:
    for path, item in sorted(paths.items()):
        for method, operation in item.items():
            yield path, method, operation


def _verify(paths: dict[str, Json], tags: Mapping[str, str]) -> None:
    seen: dict[str, str] = {}
    for path, method, operation in _all(paths):
        where = f"{method.upper()} {path}"
        # Powertools fills in a summary that repeats the route.
        if operation.get("summary", "").startswith(f"{method.upper()} /"):
            raise Unfit(f"{where} has no summary")
        if not operation.get("tags"):
            raise Unfit(f"{where} has no tags")
        for tag in operation["tags"]:
            if tag not in tags:
                raise Unfit(f"{where}: tools/generate/openapi.py says nothing of the tag {tag}")
        if (other := seen.setdefault(operation["operationId"], where)) != where:
            raise Unfit(f"{where} has the operation id of {other}")
