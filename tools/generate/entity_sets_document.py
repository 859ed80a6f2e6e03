"""What the OpenAPI document says of the entity sets under `/v1/`, which no resolver describes: their model does.

Each kind of URL that leads somewhere (`odata.targets`) has a path. Other ways to the same, as a part of a product by
the product's address, are told in words.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any

from batchyard.catalogue.entity_sets.model import COMPONENT, DC_QUANTITY
from batchyard.catalogue.limits import LARGEST_NUMBER
from batchyard.http import refusals
from batchyard.odata.entities import EXPLANATION, LONGEST_QUERY
from batchyard.odata.model import (
    BOOLEAN,
    DATE_TIME,
    INT32,
    INT64,
    STRING,
    WHOLE_NUMBERS,
    Action,
    Collection,
    ComplexType,
    EntitySet,
    EntityType,
    EnumType,
    Model,
    Navigation,
    Property,
)
from batchyard.odata.payload import MOST_ENTRIES
from batchyard.odata.query.options import LARGEST_NUMBER as LARGEST_TOP
from batchyard.odata.query.options import MOST_ORDERS
from batchyard.odata.sets import Writable
from batchyard.odata.targets import Document, Kind, Target
from tools.generate import conditions
from tools.generate.batch_document import REFUSAL

type Json = dict[str, Any]

ROOT = "/v1/"
TAG = "OData"

LONGEST_OPTION = 8000
"""Characters of a query option; API Gateway takes 10 kB of a URL."""

_LONGEST_DATE = 40
_SCHEMA = "#/components/schemas/"
_TEXT: Json = {"type": "string"}
_CONTEXT: Json = {"@odata.context": {**_TEXT, "description": "Where `$metadata` describes it"}}
# What each operation may be refused with, beside what every route may.
_OF_ALL = (400, 401, 403, 404)
_OF_READS = (*_OF_ALL, 410, 412, 413, 415, 501)
_OF_REMOVALS = (*_OF_ALL, 409, 410, 412)
_OF_WRITES = (*_OF_REMOVALS, 413, 415)
_SECURITY: list[Json] = [{"Token": []}, {"ApiKey": []}, {"AccessToken": []}, {"QueryToken": []}]
_PARTS = "Also `{0}({1})/{2}(…)`, except in batches."

# Numbers that a set bounds more than their types do, by types and properties.
_LEAST: Mapping[tuple[str, str], int] = {(DC_QUANTITY.name, "AvailableQuantity"): 0, (COMPONENT.name, "Quantity"): 1}

# What must be given of a new entity, and of a change of one, by entity sets. The sets' own modules ask for it, each at
# its own moment, and some let it be null; `test_required_properties_of_bodies_are_required` compares.
_NEEDED_OF_NEW: Mapping[str, tuple[str, ...]] = {
    "Products": ("Sku",),
    "AttributeValues": ("ProductID", "Name", "Value"),
}
_NEEDED_OF_CHANGE: Mapping[str, tuple[str, ...]] = {
    "AttributeValues": ("Value",),
    "DCQuantities": ("AvailableQuantity",),
    "Images": ("Url",),
    "ProductBundleComponents": ("Quantity",),
}


def path_of(target: Target | Document) -> str | None:
    """The documented path of what a URL leads to; None for what has none: properties, and parts asked for in a body."""
    if isinstance(target, Document):
        return ROOT if target is Document.SERVICE else f"{ROOT}$metadata"
    path = f"{ROOT}{target.entity_set.name}"
    if target.key:
        path += _key_template(target.entity_set.type)
    if target.navigation is not None:
        path += f"/{target.navigation.name}"
    match target.kind:
        case Kind.ENTITIES | Kind.ENTITY | Kind.RELATED:
            return path
        case Kind.COUNT:
            return f"{path}/$count"
        case Kind.QUERY if target.navigation is None:
            return f"{path}/$query"
        case Kind.ACTION if target.action is not None:
            return f"{path}/{target.action.name}"
        case _:
            return None


class EntitySets:
    """The entity sets of a model.

    Args:
        writable: How an entity set is written, by its name.
        tagged: The entity sets whose entities have tags.
    """

    def __init__(self, model: Model, writable: Callable[[str], Writable], tagged: Iterable[str]) -> None:
        self._model = model
        self._writable = writable
        self._tagged = frozenset(tagged)

    def paths(self) -> Iterator[tuple[str, Json]]:
        """Each path with its item."""
        yield from self._of_the_service()
        for found in self._model.sets.values():
            yield from self._of_set(found)
            for navigation in found.type.navigations.values():
                yield from self._of_navigation(found, navigation)
        for action in self._model.actions.values():
            yield self._of_action(action)

    def schemas(self) -> Json:
        """The schemas that they refer to."""
        found: Json = {one.name: _object(one, self._written) for one in self._model.complex_types}
        for one in self._model.sets.values():
            writable = self._writable(one.name)
            found |= _names(one.type)
            found[one.type.name] = self._shown_type(one.type)
            found[f"{one.name}Page"] = _page(one)
            if writable.create is not None:
                found[f"New{one.type.name}"] = self._new(one, writable)
            if writable.change is not None:
                found[f"{one.type.name}Change"] = self._change(one)
        for action in self._model.actions.values():
            value = _reference(action.value.name)
            found[action.name] = {
                "type": "object",
                "required": ["Value"],
                "properties": {"Value": value},
                "additionalProperties": False,
            }
        return found

    def tags(self) -> Json:
        """What there is to say of each tag."""
        sets = {
            _tag(one): f"The entity set `{one.name}` ({one.type.name}), a page of at most {one.page}"
            for one in self._model.sets.values()
        }
        return {TAG: "What tells of the entity sets (OData 4.0), which also go within batches", **sets}

    # Paths.

    def _of_the_service(self) -> Iterator[tuple[str, Json]]:
        service = {
            "type": "object",
            "required": ["@odata.context", "value"],
            "properties": {
                **_CONTEXT,
                "value": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["name", "kind", "url"],
                        "properties": {"name": _TEXT, "kind": _TEXT, "url": _TEXT},
                    },
                },
            },
        }
        for document, operation_id, summary, media_type, schema in (
            (Document.SERVICE, "entitySets", "All entity sets", "application/json", service),
            (Document.METADATA, "metadata", "Every type and name (CSDL)", "application/xml", _TEXT),
        ):
            refusals = (*_OF_ALL, 415)
            operation = _operation(TAG, operation_id, summary, [], _found(media_type, schema), refusals)
            yield str(path_of(document)), {"get": operation}

    def _of_set(self, found: EntitySet) -> Iterator[tuple[str, Json]]:
        writable, tag = self._writable(found.name), _tag(found)
        operation = partial(_operation, tag)
        name, kind = found.name, found.type.name
        several = {
            "get": operation(
                f"{name}.list",
                f"{name}, a page of them",
                self._options(found.type),
                _found("application/json", _reference(f"{name}Page")),
                _OF_READS,
                description=_OF_LISTS,
            )
        }
        if writable.create is not None:
            made = _found("application/json", _reference(kind), HTTPStatus.CREATED)
            several["post"] = operation(
                f"{name}.create", f"A new {kind}", [], made, (*_OF_WRITES, 501), body=_json(f"New{kind}")
            )
        yield _path(Target(Kind.ENTITIES, found)), several
        yield self._counted(Target(Kind.COUNT, found), name, f"How many {name}")
        query = {"text/plain": {"schema": {**_TEXT, "maxLength": LONGEST_QUERY}}}
        yield (
            _path(Target(Kind.QUERY, found)),
            {
                "post": operation(
                    f"{name}.query",
                    f"{name}, asked for in a body",
                    [],
                    _found("application/json", _reference(f"{name}Page")),
                    _OF_READS,
                    body=query,
                    needed=False,
                    description="The body is what else stands behind the `?` of a URL.",
                )
            },
        )
        yield _path(Target(Kind.ENTITY, found, _SOME_KEY)), self._of_entity(found)

    def _of_entity(self, found: EntitySet) -> Json:
        writable, keys = self._writable(found.name), _key_parameters(found.type)
        tagged = found.name in self._tagged
        operation = partial(_operation, _tag(found), also=self._other_way(found))
        kind, done = found.type.name, {str(HTTPStatus.NO_CONTENT.value): {"description": "No Content"}}
        read = _found("application/json", _reference(kind))
        if tagged:
            read["304"] = {"description": HTTPStatus.NOT_MODIFIED.phrase}
        tag = [conditions.parameter("If-None-Match")] if tagged else []
        shown = [*keys, self._select(found.type), *self._expand(found.type), *tag]
        item = {"get": operation(f"{found.name}.get", f"One {kind}", shown, read, _OF_READS)}
        written = [*keys, conditions.parameter("If-Match"), conditions.parameter("If-None-Match")]
        if writable.change is not None:
            for method in ("patch", "put"):
                item[method] = operation(
                    f"{found.name}.{method}",
                    f"Change a {kind}" if tagged else f"Make or change a {kind}",
                    written,
                    done,
                    _OF_WRITES,
                    body=_json(f"{kind}Change"),
                    description="What is not given stays, with PUT as well.",
                )
        if writable.remove is not None:
            item["delete"] = operation(f"{found.name}.delete", f"Remove a {kind}", written, done, _OF_REMOVALS)
        return item

    def _of_navigation(self, found: EntitySet, navigation: Navigation) -> Iterator[tuple[str, Json]]:
        keys, target = _key_parameters(found.type), self._model.target(navigation)
        name, kind = f"{found.name}.{navigation.name}", found.type.name
        if not navigation.many:
            yield (
                _path(Target(Kind.RELATED, found, _SOME_KEY, navigation)),
                {
                    "get": _operation(
                        _tag(found),
                        f"{name}.get",
                        f"The {navigation.name} of one {kind}",
                        [*keys, self._select(target), *self._expand(target)],
                        _found("application/json", _reference(target.name)),
                        _OF_READS,
                    )
                },
            )
            return
        page = _found("application/json", _reference(f"{self._model.set_of(target).name}Page"))
        yield (
            _path(Target(Kind.ENTITIES, found, _SOME_KEY, navigation)),
            {
                "get": _operation(
                    _tag(found),
                    f"{name}.list",
                    f"{navigation.name} of one {kind}",
                    [*keys, *self._options(target)],
                    page,
                    _OF_READS,
                )
            },
        )
        yield self._counted(
            Target(Kind.COUNT, found, _SOME_KEY, navigation), name, f"How many {navigation.name} one {kind} has", keys
        )

    def _counted(self, target: Target, name: str, summary: str, keys: Iterable[Json] = ()) -> tuple[str, Json]:
        counted = _found("text/plain", _TEXT)
        parameters = [*keys, self._filter()]
        operation = _operation(_tag(target.entity_set), f"{name}.count", summary, parameters, counted, _OF_READS)
        return _path(target), {"get": operation}

    def _of_action(self, action: Action) -> tuple[str, Json]:
        found = self._model.set_of(action.type)
        operation = _operation(
            _tag(found),
            f"{found.name}.{action.name}",
            f"{action.name} of one {action.type.name}",
            [*_key_parameters(action.type), conditions.parameter("If-Match"), conditions.parameter("If-None-Match")],
            {str(HTTPStatus.NO_CONTENT.value): {"description": "No Content"}},
            _OF_WRITES,
            body=_json(action.name),
        )
        return _path(Target(Kind.ACTION, found, _SOME_KEY, action=action)), {"post": operation}

    def _other_way(self, found: EntitySet) -> str:
        """The other address of what belongs to something."""
        for one in self._model.sets.values():
            for navigation in one.type.navigations.values():
                if navigation.many and self._model.target(navigation) is found.type:
                    return _PARTS.format(one.name, *one.type.key, navigation.name)
        return ""

    # Query options.

    def _options(self, shown: EntityType) -> list[Json]:
        number = {"type": "integer", "minimum": 0, "maximum": LARGEST_TOP}
        orders = _some_of(f"{shown.name}Order")
        return [
            self._filter(),
            self._select(shown),
            _option("$orderby", orders, "The most important first; other values that `$filter` knows will do, too"),
            *self._expand(shown),
            _option("$top", number, "At most so many"),
            _option(
                "$skip", number, "Pass over so many. Go on by `@odata.nextLink`, which misses and repeats nothing."
            ),
            _option("$count", {"type": "boolean"}, "Tell how many there are, whatever `$top` and `$skip` say"),
        ]

    def _filter(self) -> Json:
        return _option("$filter", {**_TEXT, "minLength": 1, "maxLength": LONGEST_OPTION}, "What they must fulfil")

    def _select(self, shown: EntityType) -> Json:
        return _option("$select", _some_of(f"{shown.name}Property"), "What to show of each, instead of all")

    def _expand(self, shown: EntityType) -> list[Json]:
        if not shown.navigations:
            return []
        told = "What to show along; each may have options in brackets, `Children($expand=ChildProduct)`"
        return [_option("$expand", _some_of(f"{shown.name}Navigation"), told)]

    # Schemas.

    def _shown_type(self, shown: EntityType) -> Json:
        navigations: Json = {}
        for navigation in shown.navigations.values():
            one = _reference(self._model.target(navigation).name)
            navigations[navigation.name] = {"type": "array", "items": one} if navigation.many else one
            if navigation.many:
                navigations[f"{navigation.name}@odata.count"] = {"type": "integer"}
        properties = {one.name: self._shown(one) for one in shown.properties.values()}
        described = (
            "A property is missing where `$select` left it out; what `$expand` shows is there where it was asked for"
        )
        return {"type": "object", "description": described, "properties": {**_CONTEXT, **properties, **navigations}}

    def _new(self, found: EntitySet, writable: Writable) -> Json:
        shown = found.type
        new = _object(shown, self._written, _NEEDED_OF_NEW.get(found.name, ()))
        for name in sorted(writable.nested):
            target = self._model.target(shown.navigations[name])
            inner = _object(target, self._written)
            # An entity's own key is not there yet.
            new["properties"][name] = {"type": "array", "maxItems": MOST_ENTRIES, "items": inner}
        return {**new, "description": "What is computed, and annotations, are passed over"}

    def _change(self, found: EntitySet) -> Json:
        needed = _NEEDED_OF_CHANGE.get(found.name, ())
        return _object(found.type, self._written, needed, without=found.type.key)

    def _shown(self, one: Property) -> Json:
        """A property as answers have it; what came by files may be longer than what is written here."""
        schema = {name: value for name, value in self._schema_of(one).items() if name != "maxLength"}
        return _or_null(schema, nullable=one.nullable)

    def _written(self, one: Property) -> Json:
        schema = self._schema_of(one)
        if isinstance(one.type, EnumType):
            numbers = {"type": "integer", "minimum": 0, "maximum": len(one.type.members) - 1}
            schema = {"anyOf": [schema, numbers]}
        return _or_null(schema, nullable=one.nullable)

    def _schema_of(self, one: Property) -> Json:
        kind = one.type
        if isinstance(kind, EnumType):
            return {**_TEXT, "enum": list(kind.members)}
        if isinstance(kind, Collection):
            inner = self._written(Property(one.name, kind.of, nullable=False))
            return {"type": "array", "maxItems": MOST_ENTRIES, "items": inner}
        if isinstance(kind, ComplexType):
            return _reference(kind.name)
        if kind == STRING:
            return {**_TEXT, **({} if one.longest is None else {"maxLength": one.longest})}
        if kind == BOOLEAN:
            return {"type": "boolean"}
        if kind == DATE_TIME:
            return {**_TEXT, "format": "date-time", "maxLength": _LONGEST_DATE}
        if kind in WHOLE_NUMBERS:
            low, high = WHOLE_NUMBERS[kind]
            return {"type": "integer", "format": _FORMATS[kind], "minimum": low, "maximum": high}
        return {"type": "number", "format": "double", "minimum": -LARGEST_NUMBER, "maximum": LARGEST_NUMBER}


_FORMATS = {INT32: "int32", INT64: "int64"}
_SOME_KEY = (1,)
_OF_LISTS = (
    "Names behind the `?` may be in any case. Follow `@odata.nextLink` until there is none: a page may be short, or "
    "empty, where few of those that were looked at fulfil a filter that no key serves. `Prefer: odata.maxpagesize=20` "
    f"asks for smaller ones. Administrators who send `Prefer: explain` are told in `{EXPLANATION}` how it was found."
)


def _path(target: Target) -> str:
    path = path_of(target)
    assert path is not None
    return path


def _tag(found: EntitySet) -> str:
    return f"{TAG} {found.name}"


def _reference(name: str) -> Json:
    return {"$ref": f"{_SCHEMA}{name}"}


def _key_template(shown: EntityType) -> str:
    if len(shown.key) == 1:
        return f"({{{shown.key[0]}}})"
    return "(" + ",".join(f"{name}={_quoted(shown, f'{{{name}}}')}" for name in shown.key) + ")"


def _quoted(shown: EntityType, template: str) -> str:
    return f"'{template}'" if shown.properties[template.strip("{}")].type == STRING else template


def _key_parameters(shown: EntityType) -> list[Json]:
    parameters = []
    for name in shown.key:
        one = shown.properties[name]
        if one.type == STRING:
            schema: Json = {**_TEXT, "minLength": 1, "maxLength": one.longest, "pattern": "^(?:[^']|'')+$"}
            told = "Within quotes; a quote in it is doubled"
        else:
            low, high = WHOLE_NUMBERS[str(one.type)]
            schema, told = {"type": "integer", "minimum": low, "maximum": high}, ""
        parameter = {"name": name, "in": "path", "required": True, "schema": schema}
        parameters.append(parameter | ({"description": told} if told else {}))
    return parameters


def _option(name: str, schema: Json, told: str) -> Json:
    listed = {"style": "form", "explode": False} if schema["type"] == "array" else {}
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": told, **listed}


def _some_of(name: str) -> Json:
    return {"type": "array", "minItems": 1, "maxItems": MOST_ORDERS, "uniqueItems": True, "items": _reference(name)}


def _names(shown: EntityType) -> Json:
    """What queries name of a type."""
    orders = [f"{name}{direction}" for name in shown.properties for direction in ("", " desc")]
    named = {"Property": list(shown.properties), "Order": orders, "Navigation": list(shown.navigations)}
    return {f"{shown.name}{kind}": {**_TEXT, "enum": names} for kind, names in named.items() if names}


def _object(
    shown: ComplexType,
    schema: Callable[[Property], Json],
    needed: Iterable[str] = (),
    without: Iterable[str] = (),
) -> Json:
    left_out = set(without)
    properties = {
        one.name: schema(one) for one in shown.properties.values() if not one.computed and one.name not in left_out
    }
    for name in properties:
        if (least := _LEAST.get((shown.name, name))) is not None:
            properties[name] = {**properties[name], "minimum": least}
    found: Json = {"type": "object", "properties": properties, "additionalProperties": False}
    # What is needed is not null, either; `Value` of an attribute may be, which removes it.
    return {**found, "required": list(needed)} if needed else found


def _or_null(schema: Json, *, nullable: bool) -> Json:
    if not nullable:
        return schema
    return {"anyOf": [*schema.get("anyOf", [schema]), {"type": "null"}]}


def _page(found: EntitySet) -> Json:
    explanation = {
        "type": "object",
        "required": ["plan", "calls", "units"],
        "properties": {"plan": _TEXT, "calls": {"type": "integer"}, "units": {"type": "number"}},
    }
    return {
        "type": "object",
        "required": ["@odata.context", "value"],
        "properties": {
            **_CONTEXT,
            "@odata.count": {"type": "integer", "description": "Missing where counting would cost too much"},
            EXPLANATION: explanation,
            "value": {"type": "array", "items": _reference(found.type.name)},
            "@odata.nextLink": {**_TEXT, "format": "uri", "description": "The next page; missing on the last one"},
        },
    }


def _found(media_type: str, schema: Json, status: HTTPStatus = HTTPStatus.OK) -> Json:
    return {str(status.value): {"description": status.phrase, "content": {media_type: {"schema": schema}}}}


def _json(name: str) -> Json:
    return {"application/json": {"schema": _reference(name)}}


def _operation(
    tag: str,
    operation_id: str,
    summary: str,
    parameters: list[Json],
    success: Json,
    refused: Iterable[int],
    *,
    body: Json | None = None,
    needed: bool = True,
    description: str = "",
    also: str = "",
) -> Json:
    told = refusals.documented(HTTPStatus.OK, None, refused, lambda _: REFUSAL)
    responses = {str(status): one for status, one in told.items() if status != HTTPStatus.OK}
    words = " ".join(one for one in (description, also) if one)
    return {
        "tags": [tag],
        "summary": summary,
        **({"description": words} if words else {}),
        "operationId": operation_id,
        "security": _SECURITY,
        "parameters": parameters,
        **({} if body is None else {"requestBody": {"required": needed, "content": body}}),
        "responses": dict(sorted({**success, **responses}.items())),
    }
