"""Where a request came in."""

from typing import Any
from urllib.parse import unquote

import pytest

from batchyard.errors import NotFound
from batchyard.http.paths import as_sent, decoded
from batchyard.http.urls import base_url, header, header_lines, route_path, with_lines

RESOURCE = "/api/v1/channels/{id}"


def event(path: str, whole: str | None = None, **fields: Any) -> dict[str, Any]:
    return {
        "resource": RESOURCE,
        "path": path,
        "headers": {"host": "h.example.com", "x-forwarded-proto": "http"},
        "requestContext": {"path": path if whole is None else whole},
        **fields,
    }


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("prefix", ["", "/v2", "/a/b/c", "/api/v1", "/channels"])
def test_the_routes_own_path_is_told_from_a_base_path(prefix: str, slash: str) -> None:
    found = route_path(event(f"{prefix}/api/v1/channels/5{slash}"))
    assert found.rstrip("/") == "/api/v1/channels/5"


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("prefix", ["", "/prod", "/a/b", "/api/v1"])
def test_a_base_path_before_the_routes_path_is_part_of_the_address(prefix: str, slash: str) -> None:
    path = f"/api/v1/channels/5{slash}"
    assert base_url(event(path, f"{prefix}{path}")) == f"http://h.example.com{prefix}"


@pytest.mark.parametrize("prefix", ["", "/prod", "/a/b"])
@pytest.mark.parametrize("segment", ["a%20b", "a%2Fb", "%C3%A4", "50%25", "50%2525", "a+b"])
def test_different_escapes_of_two_paths_do_not_hide_the_base_path(prefix: str, segment: str) -> None:
    sent, undone = f"/api/v1/channels/{segment}", f"/api/v1/channels/{unquote(segment)}"
    for path, whole in ((sent, sent), (sent, undone), (undone, sent), (undone, undone)):
        if path.count("/") == 4:
            assert base_url(event(path, f"{prefix}{whole}")) == f"http://h.example.com{prefix}"


def test_a_catch_all_finds_its_own_path_behind_a_base_path() -> None:
    caught = event("/v2/api/v1/nothing/", resource="/{proxy+}", pathParameters={"proxy": "api/v1/nothing"})
    assert route_path(caught).rstrip("/") == "/api/v1/nothing"


@pytest.mark.parametrize("taken", ["a%2Fb/c", "a/b/c"])
@pytest.mark.parametrize("prefix", ["", "/v2", "/a/b"])
def test_a_slash_within_a_name_parts_no_segments(prefix: str, taken: str) -> None:
    caught = event(f"{prefix}/v1/a%2Fb/c", resource="/v1/{rest+}", pathParameters={"rest": taken})
    assert route_path(caught) == "/v1/a%2Fb/c"


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("/a%20b/c:d'(1)", "/a%20b/c:d'(1)"),
        ("/a b/\u2011\n", "/a%20b/%E2%80%91%0A"),
        ("/%/%zz?#", "/%/%zz%3F%23"),
        ("/\ud800", "/%ED%A0%80"),
    ],
)
def test_the_path_of_a_request_is_as_sent(given: str, sent: str) -> None:
    assert as_sent(given) == sent
    assert as_sent(sent) == sent


@pytest.mark.parametrize(
    ("part", "name"),
    [("a%20b", "a b"), ("%252E", "%2E"), ("%25", "%"), ("%", "%"), ("%zz", "%zz"), ("Gr%C3%B6%C3%9Fe", "Größe")],
)
def test_path_parameters_are_decoded_once(part: str, name: str) -> None:
    assert decoded(part) == name


@pytest.mark.parametrize("part", ["%FF", "%C3", "%ED%A0%80", "%EF%BF%BD", "\ufffd", "%C0%AE"])
def test_a_path_parameter_that_is_no_utf8_is_not_found(part: str) -> None:
    with pytest.raises(NotFound):
        decoded(part)


@pytest.mark.parametrize("missing", [None, ""])
def test_without_a_host_the_domain_of_the_request_counts(missing: str | None) -> None:
    found = base_url(
        {"resource": RESOURCE, "path": "/api/v1/channels/5", "headers": missing, "requestContext": {"domainName": "d"}}
    )
    assert found == "https://d"


def test_an_event_without_a_host_has_an_address() -> None:
    assert base_url({}) == "https://localhost"


def test_the_configured_public_url_counts_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLIC_URL", "https://shop.example.com/yard/")
    assert base_url(event("/api/v1/channels/5", "/prod/api/v1/channels/5")) == "https://shop.example.com/yard"


def test_headers_are_found_in_any_case() -> None:
    found = {"headers": {"If-Match": "x", "host": None}}
    assert header(found, "if-match") == "x"
    assert header(found, "If-None-Match") is None
    assert header({"headers": None}, "Host") is None


def test_headers_that_were_read_say_the_same() -> None:
    found = {
        "headers": {"Accept": "b", "If-Match": " x "},
        "multiValueHeaders": {"Accept": ["a ", "b"], "accept": ["c"], "If-Match": [" x "]},
    }
    read = with_lines(found)
    assert header_lines(read) == header_lines(found) == {"accept": "a, b, c", "if-match": "x"}
    assert header(read, "ACCEPT") == "a, b, c"
    assert header(with_lines(read), "if-none-match") is None
