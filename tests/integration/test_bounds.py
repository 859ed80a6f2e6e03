"""Work and answers are bounded by what was sent: hostile sizes in all that a route takes, alone and in a batch.

The routes are those of the handlers, and what they take is what the OpenAPI document says of them, so that a new
route, or a new field, is walked through too.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

import batchyard
from batchyard.http.answers import LARGEST_ANSWER
from batchyard.http.bounds import LARGEST_REQUEST, MOST_VALUES
from batchyard.store import clients
from batchyard.store.tables import BATCH_REQUESTS, PRODUCT_BATCHES
from tests.integration.conftest import Calls
from tests.support.api import Api, batches
from tests.support.batch import Part, change_set, envelope, parts_of, request, run_json, send
from tests.support.documented import document, operation_of
from tests.support.lots import BATCHES, COLLECTION, GTIN, LOT, change, codes, make
from tests.support.work import steps, watched
from tools.generate.handlers import handlers

LARGEST_REFUSAL = 64 * 1024
MOST_MEMORY = 300 * 1024 * 1024

HOSTILE: dict[str, str] = {
    "a text of 1 MB": '"' + "x" * 1_000_000 + '"',
    "a text of 1 MB in few signs": '"' + "\N{GRINNING FACE}" * 250_000 + '"',
    "half a surrogate pair": '"\\ud800"',
    "450,000 digits": "1" * 450_000,
    "4,000 digits": "1" * 4_000,
    "a fraction of 450,000 digits": "0." + "1" * 450_000,
    "digits of 1 MB in a text": '"' + "1" * 1_000_000 + '"',
    "a moment of 450,000 digits": '"2030-01-01T00:00:00.' + "0" * 450_000 + 'Z"',
    "more than a float": "1e400",
    "less than a float": "-1e400",
    "no number": "NaN",
    "no end": "Infinity",
    "-0": "-0",
    "-0.0": "-0.0",
    "20 digits": "-" + "9" * 20,
    "100,000 numbers": "[" + ",".join(["1"] * 100_000) + "]",
    "100,000 fractions": "[" + ",".join(["1e15"] * 100_000) + "]",
    "100,000 objects": "[" + ",".join(["{}"] * 100_000) + "]",
    "100,000 texts": "[" + ",".join(['"x"'] * 100_000) + "]",
    "10,000 lists in each other": "[" * 10_000 + "]" * 10_000,
    "9,000 objects in each other": '{"a":' * 9_000 + "1" + "}" * 9_000,
    "900 lists in each other": "[" * 900 + "]" * 900,
    "a key of 1 MB": '{"' + "x" * 1_000_000 + '":1}',
    "100,000 keys": "{" + ",".join(f'"{number}":1' for number in range(100_000)) + "}",
}
"""Values, each as JSON."""

IN_URLS: dict[str, str] = {
    "a text of 1 MB": "x" * 1_000_000,
    "digits of 1 MB": "1" * 1_000_000,
    "5,000 digits": "1" * 5_000,
    "commas of 1 MB": "a," * 500_000,
    "more than a float": "1e400",
    "no number": "NaN",
    "-0": "-0",
    "NUL": "\x00",
}


@dataclass(frozen=True)
class Operation:
    """A route of a function, as the document describes it."""

    method: str
    path: str
    described: dict[str, Any]

    def __str__(self) -> str:
        return str(self.described["operationId"])

    @property
    def schema(self) -> dict[str, Any] | None:
        """The schema of its body; None where it takes none."""
        body = self.described.get("requestBody")
        json_body = {} if body is None else body["content"].get("application/json", {})
        return resolved(json_body["schema"]) if json_body else None


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def all_operations() -> list[Operation]:
    """What the functions serve, by their own tables."""
    found = []
    for handler in handlers():
        for method, path in handler.app.served() if handler.app is not None else []:
            described = operation_of(method, path)
            if described is not None:
                found.append(Operation(method, path, described))
    return found


OPERATIONS = all_operations()
WITH_BODY = [operation for operation in OPERATIONS if operation.schema is not None]


def some(schema: dict[str, Any], name: str, known: dict[str, Any]) -> str:
    """A value that a field takes, as JSON."""
    schema = resolved(schema)
    if name in known:
        return json.dumps(known[name])
    match schema:
        case {"anyOf": [first, *_]}:
            return some(first, name, known)
        case {"enum": [first, *_]} | {"const": first}:
            return json.dumps(first)
        case {"type": "string", "pattern": str(pattern)}:
            return json.dumps(next(text for text in ("a", GTIN, "00000000000000") if re.search(pattern, text)))
        case {"type": "string"}:
            return '"a"'
        case {"type": "array", "items": items}:
            return f"[{some(items, '', known)}]"
        case {"type": "object"}:
            return body_of({one: some(schema["properties"][one], one, known) for one in schema.get("required", [])})
        case _:
            return str(schema.get("minimum", 1))


def body_of(fields: dict[str, str]) -> str:
    return "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in fields.items()) + "}"


def with_hostile(schema: dict[str, Any], hostile: str, known: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Values of a schema that are fine, but for one place in each: where that is, and the value as JSON."""
    schema = resolved(schema)
    yield "", hostile
    for option in schema.get("anyOf", ()):
        yield from ((where, text) for where, text in with_hostile(option, hostile, known) if where)
    if "items" in schema:
        for where, text in with_hostile(schema["items"], hostile, known):
            yield f"[]{where}", f"[{text}]"
    properties = schema.get("properties", {})
    fine = {name: some(properties[name], name, known) for name in schema.get("required", [])}
    for name, field in properties.items():
        for where, text in with_hostile(field, hostile, known):
            yield f".{name}{where}", body_of({**fine, name: text})
    if properties:
        yield ".unknown", body_of({**fine, "unknown": hostile})


class World:
    """Something that each path leads to."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.channel = api.open_channel()
        self.pk = api.open_batch(self.channel, objects=[{"pk": 1}])["pk"]
        make(api, quantity=10)
        self.parameters: dict[str, Any] = {
            "channel_id": self.channel,
            "collectionId": "wines",
            "productId": "barolo",
            "batchId": "L1",
            "codeId": codes(api, count=1)[0],
            "changeId": change(api, "stolen", (5, 1))["id"],
            "exportId": "0" * 22,
        }
        self.known = {"channel": self.channel, "count": 1}

    def url(self, operation: Operation, **changed: str) -> str:
        id = self.channel if operation.path.startswith("/api/v1/channels/") else self.pk
        return operation.path.format(**{"id": id, **self.parameters, **changed})


@pytest.fixture
def world(api: Api, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("REQUESTS_PER_MINUTE", "1000000")
    return World(api)


def must_be_bounded(status: int, text: str, what: str) -> None:
    assert status < 500, f"{what}: {status} {text[:200]}"
    size = len(text.encode())
    assert size <= LARGEST_REFUSAL, f"{what}: {status} of {size} bytes"


def hostile_bodies(operation: Operation, world: World) -> Iterator[tuple[str, str]]:
    assert operation.schema is not None
    for kind, hostile in HOSTILE.items():
        for where, text in with_hostile(operation.schema, hostile, world.known):
            # It names an item only where the batch is made.
            yield f"{operation} {where or 'body'}: {kind}", text.replace('"id":"a"', '"id":"L2"', 1)
    for kind, text in (
        ("a key of 1 MB", '{"' + "x" * 1_000_000 + '":1}'),
        ("100,000 keys", "{" + ",".join(f'"{number}":1' for number in range(100_000)) + "}"),
    ):
        yield f"{operation}: {kind}", text


# Of each kind of refusal one, since each is some hundred kB.
IN_BATCHES = (
    "a text of 1 MB",
    "half",
    "more than a float",
    "100,000 numbers",
    "100,000 fractions",
    "9,000",
    "100,000 keys",
)


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_bodies_of_hostile_sizes_are_answered_in_a_few_words(operation: Operation, world: World) -> None:
    fields = set()
    for what, text in hostile_bodies(operation, world):
        answer = world.api(operation.method, world.url(operation), text=text)
        must_be_bounded(answer.status, answer.text, what)
        fields.add(what.partition(":")[0])
        if re.search("float|no number|no end", what):
            assert answer.status == 400, what
    assert len(fields) > 2


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_bodies_of_hostile_sizes_leave_other_parts_of_a_batch_alone(operation: Operation, world: World) -> None:
    last = request("GET", batches(world.channel, world.pk))

    def must_leave_others(sent: list[tuple[str, str]]) -> None:
        parts = [request(operation.method, world.url(operation), text) for _, text in sent]
        answer = send(world.api, envelope(*parts, last))
        assert answer.status == 200, answer.text[:200]
        found = parts_of(answer)
        for (what, _), part in zip(sent, found, strict=False):
            assert isinstance(part, Part)
            must_be_bounded(part.status, part.text, what)
        assert isinstance(found[-1], Part)
        assert (len(found), found[-1].status) == (len(sent) + 1, 200)

    held: list[tuple[str, str]] = []
    for what, text in hostile_bodies(operation, world):
        if not what.partition(": ")[2].startswith(IN_BATCHES):
            continue
        if sum(len(one.encode()) for _, one in held) + len(text.encode()) > LARGEST_REQUEST // 2 or len(held) == 90:
            must_leave_others(held)
            held = []
        held.append((what, text))
    must_leave_others(held)


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_parameters_of_hostile_sizes_are_answered_in_a_few_words(operation: Operation, world: World) -> None:
    body = None if operation.schema is None else some(operation.schema, "", world.known)
    for parameter in operation.described.get("parameters", []):
        name = parameter["name"]
        for kind, hostile in IN_URLS.items():
            url, headers = world.url(operation), {}
            match parameter["in"]:
                case "path":
                    url = world.url(operation, **{name: quote(hostile, safe="")})
                case "query":
                    url += f"?{name}={quote(hostile)}&{name}={quote(hostile)}"
                case "header":
                    headers = {name: hostile}
            answer = world.api(operation.method, url, text=body, headers=headers)
            # The page and the document are as long as they are.
            said = (
                answer.text if answer.status >= 400 or operation.path.startswith(("/api", "/admin", "/public")) else ""
            )
            must_be_bounded(answer.status, said, f"{operation} {name}: {kind}")
            assert all(len(value) < LARGEST_REFUSAL for value in answer.headers.values())
            inner = run_json(
                world.api,
                {
                    "id": "1",
                    "method": operation.method,
                    "url": url,
                    "headers": headers,
                    **({} if body is None else {"body": json.loads(body)}),
                },
            )
            must_be_bounded(inner[0]["status"], json.dumps(inner) if said else "", f"{operation} {name}: {kind}")


FILLED: dict[str, Callable[[int], str]] = {
    "lists": lambda size: "[" + "[]," * (size // 3) + "[]]",
    "objects": lambda size: "[" + "{}," * (size // 3) + "{}]",
    "objects with a key": lambda size: "[" + '{"a":{}},' * (size // 9) + "1]",
    "numbers": lambda size: "[" + "1," * (size // 2) + "1]",
    "floats": lambda size: "[" + "1e9," * (size // 4) + "1]",
    "texts": lambda size: "[" + '"é",' * (size // 5) + '""]',
    "keys": lambda size: "{" + ",".join(f'"{number:06}":1' for number in range(size // 11)) + "}",
    "commas in a text": lambda size: '"' + "\N{GRINNING FACE}" + ",[" * (size // 2 - 5) + '"',
    "ends of texts": lambda size: '"' + '\\"' * (size // 2 - 5) + '"',
}


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_the_largest_request_takes_little_memory(operation: Operation, world: World) -> None:
    assert operation.schema is not None
    for filled, hostile in FILLED.items():
        for where, text in with_hostile(operation.schema, hostile(LARGEST_REQUEST - 2_000), world.known):
            assert len(text.encode()) <= LARGEST_REQUEST
            with watched() as memory:
                answer = world.api(operation.method, world.url(operation), text=text)
            must_be_bounded(answer.status, answer.text, f"{operation} {where}")
            assert memory.peak < MOST_MEMORY, f"{operation} {where}: {memory.peak}"
            # One that is parsed tells of all places.
            if where or filled != "commas in a text":
                break


@pytest.mark.parametrize("filled", FILLED)
def test_the_largest_batch_takes_little_memory(filled: str, api: Api, channel: int) -> None:
    hostile = FILLED[filled](LARGEST_REQUEST - 2_000)
    url = json.dumps(batches(channel))
    for text in (
        hostile,
        f'{{"requests":{hostile}}}',
        f'{{"requests":[{{"id":"1","method":"POST","url":{url},"body":{hostile}}}]}}',
        f'{{"requests":[{{"id":"1","method":"GET","url":{hostile}}}]}}',
    ):
        with watched() as memory:
            answer = send(api, text, "application/json")
        must_be_bounded(answer.status, answer.text, filled)
        assert memory.peak < MOST_MEMORY, memory.peak
    with watched() as memory:
        parts = parts_of(send(api, envelope(request("POST", batches(channel), hostile))))
    assert memory.peak < MOST_MEMORY
    assert isinstance(parts[0], Part)
    must_be_bounded(parts[0].status, parts[0].text, filled)


PACKAGE = str(Path(batchyard.__file__).parent)


@pytest.mark.parametrize("filled", FILLED)
def test_work_grows_linearly_with_the_size_of_a_request(filled: str, api: Api, channel: int) -> None:
    one = batches(channel, api.open_batch(channel)["pk"])
    make(api)

    def work(size: int) -> int:
        hostile = FILLED[filled](size)

        def sent() -> None:
            for text in (hostile, f'{{"objects":{hostile}}}', f'{{"log_file":{hostile}}}', f'{{"status":{hostile}}}'):
                api.patch(one, text=text)
            for text in (hostile, f'{{"tags":{hostile}}}', f'{{"data":{hostile}}}', f'{{"mine":{hostile}}}'):
                api.put(LOT, text=text)

        sent()
        return steps(sent, PACKAGE)

    small, large = work(20_000), work(200_000)
    assert large <= 10 * small + 1_000


# What is said of it.


def test_the_first_hundred_of_many_validation_messages_are_told_with_their_number(api: Api, channel: int) -> None:
    one = batches(channel, api.open_batch(channel)["pk"])
    refused = api.patch(one, {"objects": [1] * 15_000, "status": 5})
    said = refused.json()
    assert (refused.status, list(said)) == (400, ["status", "objects", "non_field_errors"])
    assert len(said["objects"]) == 99
    assert said["objects"]["98"] == {"non_field_errors": ["Invalid data. Expected a dictionary, but got int."]}
    assert said["non_field_errors"] == ["Only the first 100 of 15001 messages are listed."]
    make(api)
    refused = api.put(LOT, {"tags": [{}] * 1000})
    fields = refused.json()["details"]["fields"]
    assert (refused.status, len(fields), list(fields)[99]) == (400, 101, "tags.99.code")
    assert fields["body"] == ["Only the first 100 of 1000 messages are listed."]
    exactly = api.put(LOT, {"tags": [{}] * 100})
    assert list(exactly.json()["details"]["fields"]) == [f"tags.{number}.code" for number in range(100)]


def test_lists_in_bodies_have_a_greatest_length(api: Api, channel: int) -> None:
    one = batches(channel, api.open_batch(channel)["pk"])
    refused = api.patch(one, {"objects": [{"pk": 1}] * 20_001})
    assert (refused.status, refused.json()) == (
        400,
        {"objects": ["Ensure this field has no more than 20000 elements."]},
    )
    assert api.put(one, {"objects": [{"pk": number} for number in range(20_000)]}).status == 200
    make(api)
    refused = api.put(LOT, {"tags": [{"code": "a"}] * 1_261})
    assert refused.json()["details"]["fields"] == {
        "tags": ["List should have at most 1260 items after validation, not 1261"]
    }
    assert api.put(LOT, {"tags": [{"code": "a"}] * 1_170}).status == 200


def test_error_messages_repeat_only_the_beginning_of_a_value(api: Api, channel: int) -> None:
    one = batches(channel, api.open_batch(channel)["pk"])
    assert api.patch(one, {"status": "x" * 5_000}).json() == {"status": [f'"{"x" * 100}…" is not a valid choice.']}
    assert len(api.patch(one, {"status": [1e15] * 5_000}).text) < 200
    media_type = f"text/{'x' * 5_000}"
    for refused in (
        api.patch(one, text="{}", headers={"Content-Type": media_type}),
        api.get(f"{batches(channel)}?status={'x' * 5_000}"),
        send(api, "", media_type),
    ):
        assert refused.status in {400, 415}
        assert len(refused.text) < 300
    [part] = run_json(api, {"id": "1", "method": "X" * 5_000, "url": one})
    assert (part["status"], len(json.dumps(part)) < 500) == (405, True)


def test_json_with_too_many_values_is_refused(api: Api, channel: int) -> None:
    one = batches(channel, api.open_batch(channel)["pk"])
    refused = api.patch(one, text=FILLED["lists"](3 * MOST_VALUES))
    assert (refused.status, refused.json()) == (400, {"detail": "JSON parse error - It holds more than 500000 values."})
    refused = api.put(LOT, text=FILLED["lists"](3 * MOST_VALUES))
    message = "JSON parse error - It holds more than 500000 values."
    assert (refused.status, refused.json()["message"]) == (400, message)
    refused = send(api, FILLED["lists"](3 * MOST_VALUES), "application/json")
    assert (refused.status, refused.json()["error"]["code"]) == (400, "BadRequest")
    assert api.patch(one, {"log_file": '[,"{' * MOST_VALUES}).status == 200


@pytest.mark.parametrize("number", ["1e400", "-1e400", "NaN", "Infinity", "-Infinity", "1" * 400 + ".5"])
def test_nan_and_infinity_are_refused_everywhere(api: Api, channel: int, number: str) -> None:
    one = batches(channel, api.open_batch(channel)["pk"])
    before = api.get(one).text
    for field in ("remote_batch_id", "content_type", "log_file", "status", "channel", "unknown"):
        assert api.patch(one, text=f'{{"{field}":{number}}}').status == 400
    assert api.patch(one, text=f'{{"objects":[{{"pk":1,"remote_id":{number}}}]}}').status == 400
    for part in (f'"mine":{number}', f'"data":{{"a":[{number}]}}', f'"quantity":{number}', f'"tags":[{number}]'):
        assert api.post(BATCHES, text=f'{{"id":"L9",{part}}}').status == 400
    assert api.post("/api/v1/channels/", text=f'{{"name":"x","stale_after":{number}}}').status == 400
    assert api.get(one).text == before


def test_a_number_as_text_has_a_greatest_length(api: Api, channel: int) -> None:
    one = batches(channel, api.open_batch(channel)["pk"])
    assert api.patch(one, {"remote_batch_id": 10**20}).json()["remote_batch_id"] == "1" + "0" * 20
    assert api.patch(one, {"remote_batch_id": -1.5}).json()["remote_batch_id"] == "-1.5"
    assert api.patch(one, {"remote_batch_id": 10**20 + 1}).json() == {"remote_batch_id": ["Not a valid string."]}
    assert api.patch(one, {"log_file": 1e300}).json() == {"log_file": ["Not a valid string."]}


def test_dates_have_a_greatest_length(api: Api, channel: int) -> None:
    one = batches(channel, api.open_batch(channel)["pk"])
    long = "2030-01-01T00:00:00." + "0" * 43 + "Z"
    assert api.patch(one, {"objects": [{"pk": 1, "version_date": long}]}).json()["objects"][0]["version_date"] == long
    refused = api.patch(one, {"objects": [{"pk": 1, "version_date": long.replace("Z", "0Z")}]})
    assert refused.json() == {"objects": {"0": {"version_date": ["Ensure this field has no more than 64 characters."]}}}
    assert make(api, expiryDate=long)["expiryDate"] == long
    refused = api.put(LOT, {"expiryDate": long.replace("Z", "0Z")})
    assert refused.json()["details"]["fields"] == {"expiryDate": ["A date has at most 64 characters."]}


# Lists.


def copies(table: Any, key: dict[str, Any], count: int, other: Callable[[int], dict[str, Any]]) -> None:
    """Puts an item in the table many times, with other keys."""
    item = clients.dynamodb().get_item(TableName=table.name, Key=key)["Item"]
    for number in range(count):
        clients.dynamodb().put_item(TableName=table.name, Item={**item, **other(number)})


def open_large(api: Api, channel: int, count: int, *, old: bool = False) -> list[int]:
    """Batch requests that each nearly fill an answer, are small where they are kept, and cost Python four bytes a sign.

    Args:
        api: Who makes them.
        count: How many more than one.
        old: They are as they were kept before their sizes were.
    """
    objects = [{"pk": number, "remote_id": "x" * 250} for number in range(15_900)]
    objects[0]["remote_id"] = "\N{GRINNING FACE}"
    made = api.open_batch(channel, objects=objects)
    assert LARGEST_ANSWER * 0.85 < len(json.dumps(made)) <= LARGEST_ANSWER
    key = {"channel": {"N": str(channel)}, "pk": {"N": str(made["pk"])}}
    if old:
        clients.dynamodb().update_item(TableName=BATCH_REQUESTS.name, Key=key, UpdateExpression="REMOVE objects_size")
    copies(BATCH_REQUESTS, key, count, lambda number: {"pk": {"N": str(made["pk"] + number)}})
    return [made["pk"] + number for number in range(count)]


@pytest.mark.parametrize("old", [False, True], ids=["new items", "old items"])
@pytest.mark.parametrize("query", ["", "?status=initialized", "?limit=100&ordering=-modified_date"])
def test_a_page_of_large_batch_requests_is_refused_before_they_are_unpacked(
    api: Api, channel: int, old: bool, query: str
) -> None:
    open_large(api, channel, 20, old=old)
    api.get(f"{batches(channel)}?limit=1")
    with watched() as memory:
        refused = api.get(batches(channel) + query)
    assert (refused.status, list(refused.json())) == (413, ["detail"])
    assert memory.peak < (120 if old else 20) * 1024 * 1024
    assert api.get(f"{batches(channel)}?limit=1").status == 200


TAGS = [{"code": "x" * 250} for _ in range(60)]


def make_large(api: Api, count: int, other: Callable[[int], dict[str, Any]]) -> None:
    """Batches that are each as large as can be."""
    # Small lists cost Python most.
    large: dict[str, Any] = {"k": [[] for _ in range(5_400)]}
    make(api, id="M", data=large, admin=large, mine=large["k"], tags=TAGS)
    key = {"collection_id": {"S": "wines"}, "sort_key": {"S": "batch M barolo"}}
    copies(PRODUCT_BATCHES, key, count, other)


@pytest.mark.parametrize("path", [f"{COLLECTION}/batch", BATCHES, f"{COLLECTION}/batch?search=m"])
def test_a_page_of_large_product_batches_is_as_long_as_has_room(api: Api, path: str) -> None:
    def other(number: int) -> dict[str, Any]:
        return {"sort_key": {"S": f"batch M{number:03} barolo"}, "batch_id": {"S": f"M{number:03}"}}

    make_large(api, 119, other)
    joined = "&" if "?" in path else "?"
    url: str | None = f"{path}{joined}limit=1000"
    found = []
    while url is not None:
        with watched() as memory:
            page = api.get(url)
        assert page.status == 200
        assert memory.peak < 60 * 1024 * 1024
        found += [one["id"] for one in page.json()]
        link = re.search("<([^>]+)>", page.headers["Link"]) if "Link" in page.headers else None
        url = link[1] if link else None
    assert found == ["M", *(f"M{number:03}" for number in range(119))]


def of_product(number: int) -> dict[str, Any]:
    return {"sort_key": {"S": f"batch M p{number:03}"}, "product_id": {"S": f"p{number:03}"}}


def test_tags_of_many_products_are_not_read_beyond_what_an_answer_holds(api: Api, calls: Calls) -> None:
    make(api, id="M", tags=TAGS)
    copies(PRODUCT_BATCHES, {"collection_id": {"S": "wines"}, "sort_key": {"S": "batch M barolo"}}, 500, of_product)
    calls.clear()
    with watched() as memory:
        refused = api.get(f"{COLLECTION}/batch/M/tags")
    assert (refused.status, refused.json()["errorCode"]) == (413, "CONTENT_TOO_LARGE")
    assert memory.peak < 40 * 1024 * 1024
    assert calls.count("dynamodb.Query") < 8


def test_a_hundred_large_batches_are_named_without_reading_what_they_hold(api: Api) -> None:
    make_large(api, 105, of_product)
    with watched() as memory:
        refused = api.get(f"{COLLECTION}/batch/M")
    assert (refused.status, len(refused.json()["details"]["productIds"])) == (409, 100)
    assert memory.peak < 40 * 1024 * 1024


def test_a_change_set_of_large_answers_takes_little_memory(api: Api, channel: int) -> None:
    pks = open_large(api, channel, 60)
    parts = [request("PATCH", batches(channel, pk), {"remote_batch_id": "new"}) for pk in pks]
    with watched() as memory:
        answer = send(api, envelope(change_set(*parts)))
    assert memory.peak < MOST_MEMORY
    [found] = parts_of(answer)
    assert isinstance(found, list)
    assert [part.status for part in found] == [200] * 60
    assert [bool(part.text) for part in found] in ([True] + [False] * 59, [False] * 60)


def test_contents_of_one_commit_have_a_size(api: Api, channel: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batchyard.store.unit.LARGEST_CONTENTS", 1_000_000)
    monkeypatch.setattr("batchyard.store.contents.INLINE_BYTES", 10)
    objects = [{"pk": number, "remote_id": f"{hash((number, 'x')):x}"} for number in range(20_000)]
    pks = [api.open_batch(channel, objects=objects)["pk"] for _ in range(5)]
    parts = [request("PATCH", batches(channel, pk), {"objects": [{"pk": 1, "remote_id": "new"}]}) for pk in pks]
    [refused] = parts_of(send(api, envelope(change_set(*parts))))
    assert isinstance(refused, Part)
    assert refused.status == 413
    assert api.get(batches(channel, pks[0])).json()["objects"][1]["remote_id"] != "new"
