"""Where URLs inside a batch lead: to this service's own paths, or nowhere."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchyard.errors import Malformed, NotFound
from batchyard.http.paths import decoded
from batchyard.odata.addresses import resolve
from gateway.routes import ROUTES

PROD = "https://abc.execute-api.eu-central-1.amazonaws.com/prod"
LOCAL = "http://127.0.0.1:3000"
CUSTOM = "https://api.example.com/yard/v2"


@pytest.mark.parametrize(
    ("base", "url", "path"),
    [
        (PROD, "Products(1)", "/v1/Products(1)"),
        (PROD, "Products('a?b", "/v1/Products('a"),
        (PROD, "Products%28ID%3D2%29", "/v1/Products%28ID%3D2%29"),
        (PROD, "AttributeValues(ProductID=1, Name='it''s')", "/v1/AttributeValues(ProductID=1, Name='it''s')"),
        (PROD, "Labels('a%2Fb%5Cc')", "/v1/Labels('a%2Fb%5Cc')"),
        (PROD, "Labels('1.2..3')", "/v1/Labels('1.2..3')"),
        (PROD, "/v1/Products(1)", "/v1/Products(1)"),
        (PROD, "/api/v1/channels/", "/api/v1/channels/"),
        (PROD, "/prod/api/v1/channels/", "/api/v1/channels/"),
        (PROD, "/prod", "/prod"),
        (PROD, "/production/api", "/production/api"),
        (PROD, f"{PROD}/api/v1/channels/", "/api/v1/channels/"),
        (PROD, "HTTPS://ABC.execute-api.EU-CENTRAL-1.amazonaws.com/prod/v1/x", "/v1/x"),
        (PROD, "https://abc.execute-api.eu-central-1.amazonaws.com:443/prod/v1/x", "/v1/x"),
        (PROD, "http://abc.execute-api.eu-central-1.amazonaws.com/prod/v1/x", "/v1/x"),
        (PROD, "//abc.execute-api.eu-central-1.amazonaws.com/prod/v1/x", "/v1/x"),
        (PROD, "https://abc.execute-api.eu-central-1.amazonaws.com", "/"),
        (LOCAL, "http://127.0.0.1:3000/api/v1/channels", "/api/v1/channels"),
        (LOCAL, "/api/v1/channels", "/api/v1/channels"),
        (CUSTOM, "https://api.example.com/yard/v2/api/v1/channels", "/api/v1/channels"),
        (CUSTOM, "/yard/v2/v1/Products", "/v1/Products"),
        (CUSTOM, "/v1/Products", "/v1/Products"),
    ],
)
def test_spellings_of_a_url_in_a_batch(base: str, url: str, path: str) -> None:
    assert resolve(url, urlsplit(base))[0] == path


@pytest.mark.parametrize(
    ("url", "query"),
    [
        ("Products", ""),
        ("Products?", ""),
        ("Products?$top=1&$filter=Title eq 'a//b?c'", "$top=1&$filter=Title eq 'a//b?c'"),
        (f"{PROD}/api/v1/channels/?page=2", "page=2"),
        ("/api/v1/channels/?next=https://evil.example/../..", "next=https://evil.example/../.."),
    ],
)
def test_queries_of_urls_in_a_batch(url: str, query: str) -> None:
    assert resolve(url, urlsplit(PROD))[1] == query


@pytest.mark.parametrize(
    "url",
    [
        # Other hosts, however they are written.
        "https://evil.example/v1/Products",
        "//evil.example/v1/Products",
        "///v1/Products",
        "////evil.example",
        "https:///v1/Products",
        "https:/v1/Products",
        "https:Products",
        "https://abc.execute-api.eu-central-1.amazonaws.com.evil.example/prod/v1/x",
        "https://abc.execute-api.eu-central-1.amazonaws.com.:443/prod/v1/x",
        "https://evil.example@abc.execute-api.eu-central-1.amazonaws.com/prod/v1/x",
        "https://abc.execute-api.eu-central-1.amazonaws.com@evil.example/prod/v1/x",
        "https://:@abc.execute-api.eu-central-1.amazonaws.com/prod/v1/x",
        "https://@abc.execute-api.eu-central-1.amazonaws.com/prod/v1/x",
        "https://abc.execute-api.eu-central-1.amazonaws.com%2eevil.example/prod/v1/x",
        "https://abc.execute-api.eu-central-1.amazonaws.com\\@evil.example/prod/v1/x",
        "https://\\evil.example",
        "\\\\evil.example\\v1",
        "/\\evil.example/v1",
        "https://[::1]/v1/x",
        "https://[bad/v1/x",
        "https://abc.execute-api.eu-central-1.amazonaws.com\uff0fevil/v1",
        # Other ports and schemes.
        "https://abc.execute-api.eu-central-1.amazonaws.com:8443/prod/v1/x",
        "https://abc.execute-api.eu-central-1.amazonaws.com:80/prod/v1/x",
        "http://abc.execute-api.eu-central-1.amazonaws.com:443/prod/v1/x",
        "https://abc.execute-api.eu-central-1.amazonaws.com:99999/prod/v1/x",
        "https://abc.execute-api.eu-central-1.amazonaws.com:x/prod/v1/x",
        "ftp://abc.execute-api.eu-central-1.amazonaws.com/prod/v1/x",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:text/plain,x",
        # Out of the API.
        "..",
        "../api/v1/channels",
        "./Products",
        "/v1/../api/v1/channels",
        "/prod/../other/v1",
        "Products/..",
        "..%2f..%2fetc",
        "%2e%2e/api",
        "%2E%2E%2Fapi",
        "Products/%2e",
        f"{PROD}/../other",
        # What no request line has.
        "Products#fragment",
        "Products\\1",
        "Products\t(1)",
        "Products\r\nHost: evil.example",
        "Products\x00",
    ],
)
def test_urls_that_lead_elsewhere_are_refused(url: str) -> None:
    with pytest.raises(Malformed):
        resolve(url, urlsplit(PROD))


@pytest.mark.parametrize("url", ["%252e%252e/api", "..%255capi", "/api/%252E%252E/x"])
def test_a_url_is_percent_decoded_once(url: str) -> None:
    path, _ = resolve(url, urlsplit(PROD))
    assert "%" in decoded(path)
    with pytest.raises(NotFound):
        ROUTES.find("GET", path)


@given(
    st.text() | st.lists(st.sampled_from([*"/:@?#.%\\[]", "//", "..", "http", "2e", "prod", "v1", "a"])).map("".join)
)
def test_any_url_is_a_path_of_ours_or_refused(url: str) -> None:
    for base in (PROD, LOCAL, CUSTOM):
        try:
            path, _ = resolve(url, urlsplit(base))
        except Malformed:
            continue
        assert path.startswith("/")
        assert ".." not in path.split("/")
