"""What HTTP asks of every route of every family, alone and in a batch (RFC 9110).

The requests are those of the sample events, of which each route has one.
"""

import base64
import copy
import hashlib
from html.parser import HTMLParser
from typing import Any
from unittest.mock import Mock

import pytest

from batchyard.http import urls
from gateway.routes import ROUTES
from tests.support import batch
from tests.support.api import Answer, Api, invoke
from tests.support.sample_requests import alone, contents, in_a_batch, load_world, named, url_of
from tools.samples import SAMPLES
from tools.template import resources, route_of

KEYS = "Authorization, X-API-Key, x-medusa-access-token"
READS = named("GET")
READS_IN_BATCHES = named("GET", in_batches=True)
WRITES = named("DELETE", "PATCH", "POST", "PUT")
# What is written where it can be read: one thing, or a list that a POST adds to.
CONDITIONAL = [name for name in WRITES if "GET" in ROUTES.methods(SAMPLES[name].event["path"])]
FLEETING = {"batch_requests/log_file", "product_batches/retrieve_export"}
"""What has another URL in it each time, which works for some minutes."""

KEPT_BY_CACHES = {"docs/page", "docs/openapi"}
UNTAGGED = {"product_batches/public", "product_batches/verify"}


@pytest.fixture(autouse=True)
def world(stores: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    load_world(stores, monkeypatch)


def shown(name: str, answer: Answer) -> tuple[int, dict[str, str]]:
    """The status and headers of an answer, without those of what is another one each time."""
    fleeting = {"etag", "location"} if name in FLEETING else set()
    return answer.status, {header: value for header, value in answer.headers.items() if header not in fleeting}


# HEAD.


@pytest.mark.parametrize("name", READS)
def test_head_is_get_without_content(name: str) -> None:
    found, asked = alone(name), alone(name, "HEAD")
    assert found.text or found.status == 303
    assert asked.text == ""
    assert shown(name, asked) == shown(name, found)


@pytest.mark.parametrize("name", READS_IN_BATCHES)
def test_head_in_a_batch_is_get_without_content(name: str) -> None:
    found, asked = in_a_batch(name), in_a_batch(name, "HEAD")
    assert "body" in found
    assert "body" not in asked
    if name in FLEETING:
        del found["headers"]["etag"], asked["headers"]["etag"]
    assert asked["status"] == found["status"] == 200
    assert asked["headers"] == found["headers"]


# Conditions of reads.


@pytest.mark.parametrize("name", [name for name in READS if name not in UNTAGGED | FLEETING])
def test_if_none_match_with_the_etag_is_304(name: str) -> None:
    found = alone(name)
    tag = found.headers["ETag"]
    for given in (tag, f"W/{tag}", f'"other", {tag}', f'"a,b",W/{tag} , "c"', "*"):
        for method in ("GET", "HEAD"):
            kept = alone(name, method, If_None_Match=given)
            assert (kept.status, kept.text) == (304, ""), given
            # All that a cache needs to know of it, and nothing of the content that is not there.
            assert dict(kept.headers) == {key: value for key, value in found.headers.items() if key != "content-type"}
    for given in ('"other"', "", tag.strip('"'), f'"other {tag[1:]}', "W/*"):
        assert shown(name, alone(name, If_None_Match=given)) == shown(name, found), given
    assert shown(name, alone(name, If_Match=tag, If_None_Match='"other"')) == shown(name, found)
    for given in ('"other"', f"W/{tag}", ""):
        assert alone(name, If_Match=given, If_None_Match=tag).status == 412, given
    refused = alone(name, If_None_Match="x" * 8001)
    assert (refused.status, "If-None-Match" in refused.text, "8000 characters" in refused.text) == (400, True, True)
    assert alone(name, If_None_Match="x" * 8000).status == 200


@pytest.mark.parametrize("name", READS_IN_BATCHES)
def test_if_none_match_with_the_etag_in_a_batch_is_304(name: str) -> None:
    tags = [] if name in UNTAGGED | FLEETING else [in_a_batch(name)["headers"]["etag"]]
    for given in ("*", *tags):
        kept = in_a_batch(name, If_None_Match=given)
        assert (kept["status"], "body" in kept) == (304, False), given


@pytest.mark.parametrize("name", sorted(UNTAGGED))
def test_conditions_of_public_answers_without_an_etag(name: str) -> None:
    assert "etag" not in alone(name).headers
    assert alone(name, If_None_Match="*").status == 304
    assert alone(name, If_None_Match='"1"').status == 200
    assert alone(name, If_Match="*").status == 200
    assert alone(name, If_Match='"1"').status == 412


def test_a_lot_with_running_exports_has_another_etag_of_the_same_version() -> None:
    name = "product_batches/retrieve"
    tag = alone(name).headers["ETag"]
    assert alone(name, If_None_Match=tag).status == 304
    assert alone(name, If_None_Match='"2"').status == 200
    assert alone("product_batches/update", If_None_Match=tag).status == 412
    assert alone("product_batches/update", If_Match=tag).headers["ETag"] == '"3"'
    assert alone("product_batches/delete", If_Match=tag).status == 412


# Conditions of writes.


def test_writing_routes_with_conditions_are_these() -> None:
    assert CONDITIONAL == [
        "batch_requests/create",
        "batch_requests/update",
        "batch_requests/partial_update",
        "batch_requests/delete",
        "channels/create",
        "channels/partial_update",
        "channels/delete",
        "product_batches/create",
        "product_batches/update",
        "product_batches/delete",
        "product_batches/change_serials",
        "batch_jobs/create",
    ]


@pytest.mark.parametrize("name", CONDITIONAL)
def test_if_none_match_star_on_an_existing_resource_is_412(name: str, stores: dict[str, str]) -> None:
    before = contents(stores)
    for given in ("*", ' "other" , *'):
        refused = alone(name, If_None_Match=given)
        assert refused.status == 412, refused.text
        assert refused.headers["Content-Type"] == "application/json"
        assert in_a_batch(name, If_None_Match=given)["status"] == 412
    assert alone(name, If_None_Match="x" * 8001).status == 400
    for given in ('"other"', 'W/"other", "another"'):
        assert alone(name, If_Match=given).status == 412
        assert in_a_batch(name, If_Match=given)["status"] == 412
    assert contents(stores) == before
    made = alone(name, If_Match="*", If_None_Match='"other", "a,*"')
    assert made.status in {200, 201, 204}, made.text
    assert contents(stores) != before


@pytest.mark.parametrize("name", ["batch_requests/update", "channels/partial_update", "product_batches/update"])
def test_an_update_takes_if_match_and_answers_the_new_etag(name: str, stores: dict[str, str]) -> None:
    tag = alone(name, "GET").headers["ETag"]
    for given in (tag, f'W/{tag}, "other"'):
        assert alone(name, If_None_Match=given).status == 412
    changed = alone(name, If_Match=f'"other", {tag}')
    assert changed.status == 200
    assert changed.headers["ETag"] != tag
    # A repeat, whose first answer got lost, is not refused for what it has done itself.
    again = alone(name, If_Match=tag)
    assert (again.status, again.text, again.headers["ETag"]) == (200, changed.text, changed.headers["ETag"])
    if name == "channels/partial_update":
        assert alone(name, "GET", If_None_Match=changed.headers["ETag"]).status == 304


def test_a_failed_precondition_refuses_a_whole_change_set(api: Api, stores: dict[str, str]) -> None:
    one, two = (url_of(SAMPLES[f"batch_requests/{name}"].event) for name in ("retrieve", "delete"))
    channel = one.partition("/batch_requests/")[0]
    opening = batch.request("POST", f"{channel}/batch_requests/", {"channel": int(channel.rpartition("/")[2])})
    before = contents(stores)
    for refused in (
        batch.request("PATCH", one, {"remote_batch_id": "x"}, If_None_Match="*"),
        batch.request("DELETE", two, If_None_Match="*"),
        batch.request("POST", "/api/v1/channels/", {"name": "New"}, If_None_Match="*"),
    ):
        answer = batch.run_change_set(api, opening, refused)
        assert isinstance(answer, batch.Part)
        assert answer.status == 412
    assert contents(stores) == before
    assert isinstance(batch.run_change_set(api, opening), list)
    assert contents(stores) != before


def test_conditions_on_a_missing_resource_are_404(api: Api) -> None:
    nowhere = {
        "/api/v1/channels/999999/": ("PATCH", "DELETE"),
        "/api/v1/channel/999999/batch_requests/": ("POST",),
        "/api/v1/channel/999999/batch_requests/1/": ("PUT", "PATCH", "DELETE"),
        "/admin/collection/wines/product/barolo/batch/none": ("PUT", "DELETE"),
        "/admin/collection/wines/product/barolo/batch/none/serialChange": ("POST",),
    }
    bodies = {"POST": {"channel": 999999, "status": "active", "ranges": [{"startIndex": 0, "count": 1}]}}
    for url, methods in nowhere.items():
        for method in methods:
            for headers in ({"If-None-Match": "*"}, {"If-Match": "*"}, {"If-Match": '"1"'}):
                answer = api(method, url, bodies.get(method, {}), headers=headers)
                assert answer.status == 404, (method, url, answer.text)


# What caches and browsers may do.


@pytest.mark.parametrize("name", [*READS, *WRITES])
def test_every_answer_has_caching_and_security_headers(name: str) -> None:
    event = SAMPLES[name].event
    found, nothing = alone(name), alone(name, If_Match='"other"')
    unknown = Api(None)(event["httpMethod"], event["path"])
    for answer in (found, nothing, unknown):
        kept = name in KEPT_BY_CACHES and answer.status == 200
        vary = KEYS if "authorizer" in event["requestContext"] else "Accept-Encoding" if kept else None
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == ("public, max-age=3600" if kept else "no-store")
        assert answer.headers.get("vary") == vary
    assert found.status < 400 or name == "batch_jobs/undo"
    assert ("authorizer" in event["requestContext"]) == (unknown.status == 401)


def test_refusals_without_a_route_have_caching_and_security_headers(api: Api) -> None:
    for answer in (
        api.get("/nothing"),
        api.get("/admin/products/x/y"),
        api("TRACE", "/public/z"),
        api.put("/docs", {}),
    ):
        assert answer.status in {404, 405}
        assert (answer.headers["Cache-Control"], answer.headers["X-Content-Type-Options"]) == ("no-store", "nosniff")
    bodies: tuple[Any, ...] = ({"requests": []}, {})
    for sent in bodies:
        batch = api.post("/v1/$batch", sent)
        assert (batch.headers["Cache-Control"], batch.headers["X-Content-Type-Options"]) == ("no-store", "nosniff")
        assert set(KEYS.split(", ")) <= set(batch.headers["Vary"].split(", "))
    (gateway,) = resources("AWS::Serverless::Api").values()
    for response in gateway["GatewayResponses"].values():
        headers = response["ResponseParameters"]["Headers"]
        assert (
            headers.items()
            >= {"Cache-Control": "'no-store'", "X-Content-Type-Options": "'nosniff'", "Vary": f"'{KEYS}'"}.items()
        )


class Inline(HTMLParser):
    """What of a page runs, or styles it, by the text itself."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: dict[str, list[str]] = {"script": [], "style": []}
        self._within = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._within = tag
        if tag in self.found:
            assert not attrs
            self.found[tag].append("")

    def handle_data(self, data: str) -> None:
        if self._within in self.found:
            self.found[self._within][-1] += data

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def hashes(self, tag: str) -> list[str]:
        digests = (hashlib.sha256(text.encode()).digest() for text in self.found[tag])
        return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]


def test_the_page_runs_its_own_scripts_and_no_others() -> None:
    page = alone("docs/page")
    policy = {
        directive: sources
        for directive, *sources in (part.split() for part in page.headers["Content-Security-Policy"].split(";"))
    }
    inline = Inline(page.text)
    assert policy["script-src"] == inline.hashes("script")
    assert policy["style-src-elem"] == inline.hashes("style")
    assert (len(policy["script-src"]), len(policy["style-src-elem"])) == (2, 1)
    for directive in ("default-src", "base-uri", "form-action", "frame-ancestors"):
        assert policy[directive] == ["'none'"]
    assert policy["connect-src"] == ["'self'"]


# What scripts of other pages may send.


@pytest.mark.parametrize("name", sorted(UNTAGGED))
def test_a_browser_is_told_that_scripts_may_send_headers_of_their_own(name: str) -> None:
    asking = {"Origin": "https://shop.example.com", "Access_Control_Request_Method": "GET"}
    told = alone(name, "OPTIONS", Access_Control_Request_Headers="authorization,content-type, x-shop", **asking)
    assert (told.status, told.text) == (204, "")
    assert "content-type" not in told.headers
    assert told.headers["Access-Control-Allow-Origin"] == "*"
    assert told.headers["Access-Control-Allow-Methods"] == told.headers["Allow"] == "GET, HEAD, OPTIONS"
    assert told.headers["Access-Control-Allow-Headers"] == "authorization, content-type, x-shop"
    assert int(told.headers["Access-Control-Max-Age"]) > 0
    assert told.headers["X-Content-Type-Options"] == "nosniff"
    assert alone(name, "OPTIONS", **asking).headers["Access-Control-Allow-Headers"] == "*"
    # Nothing but names of headers comes back.
    odd = alone(name, "OPTIONS", Access_Control_Request_Headers="a b<c>\u00e9;d=, ,", **asking)
    assert odd.headers["Access-Control-Allow-Headers"] == "a, b, c, d"
    batched = in_a_batch(name, "OPTIONS", Access_Control_Request_Headers="x-shop", **asking)
    assert (batched["status"], batched["headers"]["access-control-allow-headers"]) == (204, "x-shop")
    for method in ("GET", "HEAD"):
        found = alone(name, method, Content_Type="application/json", X_Shop="1", **asking)
        assert (found.status, found.headers["Access-Control-Allow-Origin"]) == (200, "*")


def test_cors_is_allowed_for_public_paths_alone(api: Api) -> None:
    nowhere = Api(None)("OPTIONS", "/public/nothing")
    assert (nowhere.status, nowhere.headers["Access-Control-Allow-Origin"]) == (404, "*")
    for name in {*READS, *WRITES} - UNTAGGED:
        told = alone(name, "OPTIONS", Origin="https://shop.example.com")
        assert told.status == 405
        assert not any(header.startswith("access-control") for header in told.headers)


# What media type is answered.


@pytest.mark.parametrize("name", READS)
def test_accept_does_not_change_the_media_type(name: str) -> None:
    found = alone(name)
    for given in ("text/html", "application/json;q=0, image/svg+xml;q=0", "*/*;q=0", "nonsense;;,", ""):
        assert shown(name, alone(name, Accept=given)) == shown(name, found)


# Several lines of one header.


def lines(event: dict[str, Any], *several: tuple[str, str]) -> dict[str, Any]:
    """An event with more headers, of which API Gateway has the last line in `headers` and all in the other."""
    for name, line in several:
        event["headers"][name] = line
        event["multiValueHeaders"].setdefault(name, []).append(line)
    return event


@pytest.mark.parametrize("name", ["batch_requests/retrieve", "product_batches/retrieve", "batch_jobs/retrieve"])
def test_several_lines_of_if_none_match_are_one_list(name: str) -> None:
    event = SAMPLES[name].event
    tag = alone(name).headers["ETag"]
    handler = route_of(event["httpMethod"], event["path"]).handler
    for several, status in ((['"x"', tag, '"y"'], 304), ([tag, '"x"'], 304), (['"x"', '"y"'], 200)):
        for names in (("If-None-Match",) * 3, ("If-None-Match", "if-none-match", "IF-NONE-MATCH")):
            sent = lines(copy.deepcopy(event), *zip(names, several, strict=False))
            assert invoke(handler, sent).status == status


def test_several_lines_of_a_batchs_headers_are_one_list(api: Api) -> None:
    requests = [{"id": "1", "method": "GET", "url": "/nothing"}, {"id": "2", "method": "GET", "url": "/nothing"}]
    for several, multipart in (
        ([("Accept", "multipart/mixed"), ("Accept", "text/html")], True),
        ([("Accept", "multipart/mixed;q=0.1"), ("accept", "application/json;q=0.2")], False),
    ):
        event, handler = api.event("POST", "/v1/$batch", {"requests": requests})
        answer = invoke(handler, lines(event, *several))
        assert answer.headers["Content-Type"].startswith("multipart/mixed") == multipart
    nested = batch.envelope(batch.change_set(batch.request("GET", "/nothing")), batch.request("GET", "/nothing"))
    event, handler = api.event(
        "POST", "/v1/$batch", text=nested, headers={"Content-Type": "multipart/mixed; boundary=b"}
    )
    answer = invoke(handler, lines(event, ("Prefer", "continue-on-error"), ("Prefer", "respond-async")))
    assert len(batch.parts_of(answer)) == 2


def test_several_lines_of_a_parts_header_are_one_list() -> None:
    name = "batch_requests/retrieve"
    url, tag = url_of(SAMPLES[name].event), alone(name).headers["ETag"]
    part = (
        f"Content-Type: application/http\r\n\r\nGET {url} HTTP/1.1\r\n"
        f'If-None-Match: "x"\r\nif-none-match: {tag}\r\nIF-NONE-MATCH: "y"\r\n\r\n\r\n'
    )
    [kept] = batch.run_flat(Api(), part)
    assert (kept.status, kept.text) == (304, "")
    headers = {"If-None-Match": '"x"', "if-none-match": tag, "IF-NONE-MATCH": '"y"'}
    [answer] = batch.run_json(Api(), {"id": "1", "method": "GET", "url": url, "headers": headers})
    assert answer["status"] == 304


@pytest.mark.parametrize(
    ("name", "times"),
    [
        ("batch_requests/retrieve", 1),
        ("batch_requests/create", 1),
        ("product_batches/verify", 1),
        ("uploads/upload", 1),
        ("odata/service.product", 1),
        # Its own, and those of the three requests in it that have a route.
        ("odata/service", 4),
    ],
)
def test_headers_are_read_once(name: str, times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    read = Mock(side_effect=urls._read_lines)
    monkeypatch.setattr(urls, "_read_lines", read)
    event = SAMPLES[name].event
    answer = invoke(route_of(event["httpMethod"], event["path"]).handler, copy.deepcopy(event))
    assert answer.status < 400
    assert read.call_count == times
