"""Examples for the OpenAPI document, each of which works: what the sample events send and are answered.

A page such as Swagger UI fills in what `example` says of parameters that are required and of bodies; what may be left
out has its example in the schema, which is shown and not sent. All of them speak of the sample world.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from batchyard.product_batches import listing
from tools import sample_world as world
from tools.generate.entity_sets_document import ROOT
from tools.samples.sample import Sample

type Json = dict[str, Any]

_SCHEMA = "#/components/schemas/"
_MOMENT = "2025-09-15T08:12:00Z"
_UNKNOWN = object()
_NEUTRAL = '"0"'

# What no sample sends, by the names of parameters and, where they mean several things, their operations.
_OPTIONAL: Mapping[str, Any] = {
    "If-Match": "*",
    "If-None-Match": _NEUTRAL,
    "idempotency-key": "5a3b1e00-0000-4000-8000-000000000001",
    "limit": 10,
    "offset": 0,
    "page": 1,
    "content_type": "product",
    "fields": "id,status",
    "expand": "created_by_user",
    "id[]": [world.JOB.id],
    "type[]": [world.JOB.type],
    "handle": world.BOOTS.handle,
    "status[]": [world.BOOTS.status],
    "listProducts order": "-created_at",
    "productId": world.RUNNER,
    "force": True,
    "removed": False,
    "cursor": listing.cursor_behind(world.LOT),
    "searchProductBatches cursor": listing.cursor_behind(world.LOT, "runners"),
    "before": f"{world.SPOILT.at + 1:014x}5a3b1e01",
    "columns": 4,
    "symbology": "datamatrix",
    "paper": "letter",
    "format": "pdf",
    "Prefer": "continue-on-error",
    "OData-Version": "4.0",
    "OData-MaxVersion": "4.01",
    "DataServiceVersion": "2.0",
    "MaxDataServiceVersion": "2.0",
    "$top": 10,
    "$skip": 0,
    "$count": True,
}
_OF_DATES = re.compile(r"\w+_at\[\w+\]")
_OF_NO_DATES = re.compile(r"\w+_at")

# What goes along with no example of the same operation, so that it has none.
_ALTERNATIVES = frozenset(
    {"searchProductBatches idPrefix", "searchProductBatches gtinPrefix", "searchProductBatches lotPrefix"}
)

# Keys of entity sets.
_ID = world.STOCKED.id
_KEYS: Mapping[str, Json] = {
    "Products": {"ID": _ID},
    "Profiles": {"ID": 1},
    "DistributionCenters": {"ID": 0},
    "AttributeValues": {"ProductID": _ID, "Name": "Size"},
    "Images": {"ProductID": _ID, "PlacementName": "Swatch"},
    "DCQuantities": {"ProductID": _ID, "DistributionCenterID": 0},
    "ProductLabels": {"ProductID": _ID, "Name": "Sale"},
    "ProductBundleComponents": {
        "ProductID": world.SANDALS.variants[0].entity,
        "ComponentID": world.BOOTS.variants[0].entity,
    },
    "Children": {"ParentProductID": world.BOOTS.parent, "ChildProductID": _ID},
    "AliasRelationships": {"AliasProductID": _ID, "ReferenceProductID": _ID, "ProfileID": 1},
}
# What is written, where no sample does or another one is of more use.
_WRITTEN: Mapping[str, Any] = {
    "createBatchRequest": {"channel": world.MARKETPLACE.pk},
    "Products.create": {"Sku": "LAMP-1", "Title": "Lamp", "Attributes": [{"Name": "Colour", "Value": "brass"}]},
    "Products.patch": {"WarehouseLocation": "A 12"},
    "Products.put": {"WarehouseLocation": "A 12"},
    "Products.UpdateQuantity": {
        "Value": {"UpdateType": "Relative", "Updates": [{"DistributionCenterID": 0, "Quantity": 24}]}
    },
    "Products.UpdateAttributes": {"Value": {"Attributes": [{"Name": "Size", "Value": "42"}]}},
    "Products.RemoveChildren": {"Value": {"ChildProductIDList": [world.BOOTS.variants[0].entity]}},
    "AttributeValues.create": {"ProductID": _ID, "Name": "Colour", "Value": "brass"},
    "AttributeValues.patch": {"Value": "43"},
    "AttributeValues.put": {"Value": "43"},
    "Images.patch": {"Url": "https://example.com/swatch.png"},
    "Images.put": {"Url": "https://example.com/swatch.png"},
    "DCQuantities.patch": {"AvailableQuantity": 24},
    "DCQuantities.put": {"AvailableQuantity": 24},
    "ProductBundleComponents.patch": {"Quantity": 2},
    "ProductBundleComponents.put": {"Quantity": 2},
    "ProductLabels.patch": {},
    "ProductLabels.put": {},
}

# Texts of answers by the names of properties, where no sample says one.
_TEXTS: Mapping[str, str] = {
    "@odata.context": "https://api.example.com/v1/$metadata",
    "@odata.nextLink": "https://api.example.com/v1/Products?$skip=100&$skiptoken=700003",
    "Sku": "SAMPLE-42",
    "Name": "Size",
    "Value": "42",
    "Title": "Sample boots",
}


class Examples:
    """Puts examples into a document.

    Args:
        samples: The sample events by their names.
        schemas: The document's schemas.
    """

    def __init__(self, samples: Mapping[str, Sample], schemas: Json) -> None:
        self._schemas = schemas
        self._samples: dict[tuple[str, str], list[Sample]] = {}
        # What a function is there for comes before its further cases.
        for _, sample in sorted(samples.items(), key=lambda one: "." in one[0]):
            if "httpMethod" in sample.event:
                key = (sample.event["httpMethod"].lower(), sample.event["resource"].rstrip("/"))
                self._samples.setdefault(key, []).append(sample)

    def add(self, path: str, method: str, operation: Json) -> None:
        """Puts the examples of an operation into it."""
        samples = self._samples.get((method, path.rstrip("/")), [])
        for parameter in operation.get("parameters", ()):
            self._add_to_parameter(path, method, operation["operationId"], parameter, samples)
        for media_type, content in operation.get("requestBody", {"content": {}})["content"].items():
            if "examples" not in content:
                content["example"] = self._body(path, operation["operationId"], media_type, samples)
        for status, response in operation["responses"].items():
            if status < "400":
                known = next((one for one in samples if _status(one) == int(status)), None)
                for media_type, content in response.get("content", {}).items():
                    self._add_to_answer(media_type, content, known)

    def _key(self, path: str, operation_id: str, name: str) -> Any:
        keys = _KEYS.get(_set(path), {})
        return world.BOOTS.parent if operation_id == "Products.RemoveChildren" else keys.get(name)

    def _add_to_parameter(
        self, path: str, method: str, operation_id: str, parameter: Json, samples: list[Sample]
    ) -> None:
        name = parameter["name"]
        if parameter["in"] == "path":
            key = self._key(path, operation_id, name)
            parameter["example"] = _number(samples[0].event["pathParameters"][name]) if key is None else key
            return
        sent = [(one.event.get("multiValueQueryStringParameters") or {}).get(name) for one in samples]
        given = next((values for values in sent if values), None)
        if given is not None:
            is_list = parameter["schema"].get("type") == "array"
            found: Any = given if is_list else _number(given[-1])
        elif f"{operation_id} {name}" in _ALTERNATIVES or (name == "If-Match" and method == "post"):
            # Where something is made there is nothing yet.
            return
        else:
            found = self._option(path, operation_id, name)
        if found is None:
            raise LookupError(f"{operation_id} has no example of {name}.")
        parameter["schema"] = {**parameter["schema"], "examples": [found]}

    def _option(self, path: str, operation_id: str, name: str) -> Any:
        key = next(iter(_KEYS.get(_shown_set(path), {"ID": 0})))
        of_keys = {"$filter": f"{key} ge 1", "$select": [key], "$orderby": [f"{key} desc"]}
        if name in of_keys:
            return of_keys[name]
        if name == "$expand":
            return [self._schemas[f"{_type_of(self._schemas, _shown_set(path))}Navigation"]["enum"][0]]
        if _OF_DATES.fullmatch(name):
            return _MOMENT
        if _OF_NO_DATES.fullmatch(name):
            return "null"
        return _OPTIONAL.get(f"{operation_id} {name}", _OPTIONAL.get(name, _OPTIONAL.get(name.lower())))

    def _body(self, path: str, operation_id: str, media_type: str, samples: list[Sample]) -> Any:
        if operation_id in _WRITTEN:
            return _WRITTEN[operation_id]
        if media_type == "text/plain":
            return f"$filter={next(iter(_KEYS[_set(path)]))} ge 1&$top=10"
        if media_type != "application/json":
            return {"files": ["Product Handle;Product Title\r\nboots;Boots\r\n"]}
        sent = next((one for one in samples if one.event["body"] and _status(one) < 400), None)
        return {} if sent is None else json.loads(sent.event["body"])

    def _add_to_answer(self, media_type: str, content: Json, sample: Sample | None) -> None:
        if media_type != "application/json":
            return
        known = sample.answer.get("body") if sample is not None and isinstance(sample.answer, dict) else _UNKNOWN
        schema = content["schema"]
        if isinstance(known, dict | list):
            content["example"] = self._answer(schema, known)
        elif "$ref" in schema:
            shared = self._schemas[schema["$ref"].removeprefix(_SCHEMA)]
            if "examples" not in shared:
                shared["examples"] = [self._answer(schema)]
        else:
            content["example"] = self._answer(schema)

    def _answer(self, schema: Json, known: Any = _UNKNOWN, name: str = "", within: frozenset[str] = frozenset()) -> Any:
        """An answer that a schema describes, as far as a sample has it so."""
        if known is None or isinstance(known, str | int | float):
            return known
        if reference := schema.get("$ref"):
            within |= {reference}
            schema = self._schemas[reference.removeprefix(_SCHEMA)]
        if options := schema.get("anyOf", schema.get("oneOf")):
            if known is _UNKNOWN and name not in _TEXTS and {"type": "null"} in options:
                return None
            return self._answer(next(one for one in options if one != {"type": "null"}), known, name, within)
        if "properties" in schema or isinstance(known, dict):
            return self._object(schema, known if isinstance(known, dict) else {}, within)
        if schema.get("type") == "array":
            listed = known if isinstance(known, list) else [_UNKNOWN]
            items = schema.get("items", {})
            if items.get("$ref") in within:
                return []
            return [self._answer(items, one, name, within) for one in listed]
        if isinstance(known, list):
            return [self._answer({}, one, name, within) for one in known]
        return _plain(schema, name)

    def _object(self, schema: Json, known: Json, within: frozenset[str]) -> Json:
        properties = schema.get("properties", {})
        needed = schema.get("required", [])
        shown = {
            name: one
            for name, one in properties.items()
            # What leads on without end is left out, and what comes only where it is asked for.
            if name in known or name in needed or not (one.get("$ref") in within or _is_asked_for(name, one))
        }
        told = {name: self._answer(one, known.get(name, _UNKNOWN), name, within) for name, one in shown.items()}
        more = {name: one for name, one in known.items() if name not in properties}
        return told | {name: self._answer({}, one, name, within) for name, one in more.items()}


def _is_asked_for(name: str, schema: Json) -> bool:
    """Whether a property is there only where a query asks for it: navigations, and annotations but the context."""
    leads_on = "$ref" in schema or (schema.get("type") == "array" and "$ref" in schema.get("items", {}))
    return (leads_on and name[:1].isupper()) or ("@" in name and name != "@odata.context")


def _plain(schema: Json, name: str) -> Any:
    for said in ("const", "default"):
        if schema.get(said) is not None:
            return schema[said]
    if schema.get("enum"):
        return schema["enum"][0]
    match schema.get("type"):
        case "integer":
            if name in {"ID", "ProductID"}:
                return _ID
            return max(schema.get("minimum", 1), 1)
        case "number":
            return 1.5
        case "boolean":
            return True
        case "object":
            return {}
        case "null":
            return None
        case _ if schema.get("format") == "uuid":
            return world.OPENED.local_batch_id
        case _:
            dated = schema.get("format") == "date-time" or name.endswith(("_at", "_date", "At", "Utc"))
            return _TEXTS.get(name, _MOMENT if dated else name.strip("_") or "text")


def _set(path: str) -> str:
    """The entity set that a path begins with."""
    return re.split(r"[/(]", path.removeprefix(ROOT), maxsplit=1)[0] if path.startswith(ROOT) else ""


def _shown_set(path: str) -> str:
    """The entity set that a path shows something of."""
    last = path.removesuffix("/$count").rpartition(")/")[2]
    return _OF_NAVIGATIONS.get(last, _set(path))


_OF_NAVIGATIONS: Mapping[str, str] = {
    "Attributes": "AttributeValues",
    "BundleComponents": "ProductBundleComponents",
    "Labels": "ProductLabels",
    **{name: name for name in ("AliasRelationships", "Children", "DCQuantities", "Images")},
    **dict.fromkeys(("Product", "ChildProduct"), "Products"),
}


def _type_of(schemas: Json, entity_set: str) -> str:
    return str(schemas[f"{entity_set}Page"]["properties"]["value"]["items"]["$ref"].removeprefix(_SCHEMA))


def _status(sample: Sample) -> int:
    return int(sample.answer.get("status", 0)) if isinstance(sample.answer, dict) else 0


def _number(text: str) -> int | str:
    """A value in a URL as JSON has it."""
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else text
