"""The page and the document of the API: for everybody, so caches answer most of those who ask."""

import pytest

from tests.support.api import Api
from tools.template import resources


@pytest.mark.parametrize("path", ["/docs", "/openapi.json"])
def test_docs_and_openapi_are_cached_for_an_hour_and_have_an_etag(path: str) -> None:
    api = Api(None)
    found = api.get(path)
    assert (found.status, found.headers["Cache-Control"]) == (200, "public, max-age=3600")
    tag = found.headers["ETag"]
    assert (tag[0], tag[-1], api.get(path).headers["ETag"]) == ('"', '"', tag)
    for given in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        kept = api.get(path, headers={"If-None-Match": given})
        assert (kept.status, kept.text, kept.headers["ETag"]) == (304, "", tag)
        assert kept.headers["Cache-Control"] == "public, max-age=3600"
    for given in ('"other"', "", tag.strip('"')):
        assert api.get(path, headers={"If-None-Match": given}).text == found.text


def test_an_openapi_document_with_another_server_url_has_another_etag(monkeypatch: pytest.MonkeyPatch) -> None:
    tag = Api(None).get("/openapi.json").headers["ETag"]
    monkeypatch.setenv("PUBLIC_URL", "https://api.example.com")
    found = Api(None).get("/openapi.json", headers={"If-None-Match": tag})
    assert (found.status, found.headers["ETag"] != tag) == (200, True)
    assert found.json()["servers"] == [{"url": "https://api.example.com"}]


@pytest.mark.parametrize("path", ["/~1docs", "/~1openapi.json"])
def test_docs_and_openapi_are_throttled(path: str) -> None:
    found = [one for one in resources("AWS::Serverless::Api")["Api"]["MethodSettings"] if one["ResourcePath"] == path]
    assert [settings["HttpMethod"] for settings in found] == ["GET", "HEAD"]
    for settings in found:
        assert settings["ThrottlingRateLimit"] <= 20
        assert settings["ThrottlingBurstLimit"] <= 80
