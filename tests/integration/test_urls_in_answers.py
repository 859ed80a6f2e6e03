"""URLs in answers work when they are followed as they are, however the request got here."""

import json
import re

import pytest

from batchyard.http.answers import LARGEST_ANSWER
from tests.support.api import CUSTOM_DOMAIN, DEFAULT_DOMAIN, EVERYTHING, SAM_LOCAL, Api, Front, batches, invoke

FRONTS = pytest.mark.parametrize(
    "front",
    [
        DEFAULT_DOMAIN,
        CUSTOM_DOMAIN,
        Front(base="https://api.example.com", context_prefix="", host="api.example.com"),
        SAM_LOCAL,
        Front(base="http://localhost:4566/prod", protocol="http", host="localhost:4566"),
    ],
    ids=["stage", "custom domain with a base path", "custom domain", "sam local", "local engine"],
)


@FRONTS
def test_the_location_of_a_created_resource_can_be_followed(stores: dict[str, str], front: Front) -> None:
    api = Api(front=front)
    made = api.post("/api/v1/channels/", {"name": "Marketplace"})
    assert api.get(made.headers["Location"]).json() == made.json()
    opened = api.post(batches(made.json()["pk"]), {"channel": made.json()["pk"]})
    assert api.get(opened.headers["Location"]).json() == opened.json()
    assert opened.headers["Location"].endswith(f"/{opened.json()['pk']}/")


@FRONTS
@pytest.mark.parametrize("slash", ["", "/"])
def test_next_and_previous_lead_through_all_pages_and_back(stores: dict[str, str], front: Front, slash: str) -> None:
    api = Api(front=front)
    channel = api.open_channel()
    for _ in range(6):
        api.open_batch(channel)
    opened = [api.open_batch(channel, status="commit", content_type="a&b=c ü")["pk"] for _ in range(5)]
    query = "status=commit&status=done&content_type=a%26b%3Dc+%C3%BC&ordering=-pk&limit=2&unknown=%2F%3F"
    url = f"{batches(channel).rstrip('/')}{slash}?{query}"
    found, page = [], api.get(url).json()
    assert page["previous"] is None
    pages = [page]
    while page["next"] is not None:
        page = api.get(page["next"]).json()
        pages.append(page)
    for page in pages:
        found += [one["pk"] for one in page["results"]]
    assert found == opened[::-1]
    for before, page in zip(pages[-2::-1], pages[:0:-1], strict=True):
        assert api.get(page["previous"]).json() == before
    assert "page=" not in pages[1]["previous"]
    assert "unknown=%2F%3F" in pages[0]["next"]


@FRONTS
def test_pages_of_channels_lead_on_too(stores: dict[str, str], front: Front) -> None:
    api = Api(front=front)
    made = [api.open_channel(f"Channel {number}") for number in range(3)]
    first = api.get("/api/v1/channels?limit=2").json()
    second = api.get(first["next"]).json()
    assert [one["pk"] for one in first["results"] + second["results"]] == made
    assert second["next"] is None
    assert api.get(second["previous"]).json() == first


@FRONTS
def test_unknown_paths_and_methods_are_told_apart(stores: dict[str, str], front: Front) -> None:
    api = Api(front=front)
    assert api.get("/api/v1/nothing/here/").status == 404
    for url in ("/api/v1/channels/", "/api/v1/channels"):
        refused = api.put(url, {})
        assert (refused.status, refused.headers["Allow"]) == (405, "GET, HEAD, POST")


@FRONTS
def test_the_openapi_document_names_the_address_that_it_was_asked_at(stores: dict[str, str], front: Front) -> None:
    document = json.loads(Api(None, front).get("/openapi.json").text)
    assert [server["url"] for server in document["servers"]] == [front.base]


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_page_of_the_document_loads_nothing_from_elsewhere(stores: dict[str, str], slash: str) -> None:
    answer = Api(None).get(f"/docs{slash}")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "openapi.json" in answer.text
    assert not re.search(r"<(script|link|img)[^>]*(src|href)=(?![\"']?data:)", answer.text)
    assert len(json.dumps({"body": answer.text})) < LARGEST_ANSWER


def test_a_proxys_address_can_be_configured(stores: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLIC_URL", "https://shop.example.com/batchyard/")
    api = Api(EVERYTHING, DEFAULT_DOMAIN)
    channel = api.open_channel()
    opened = [api.post(batches(channel), {"channel": channel}) for _ in range(2)]
    base = f"https://shop.example.com/batchyard{batches(channel)}"
    assert opened[0].headers["Location"] == f"{base}{opened[0].json()['pk']}/"
    page = api.get(f"{batches(channel)}?limit=1").json()
    assert page["next"] == f"{base}?limit=1&page=2"


def test_headers_are_found_however_they_are_spelled(stores: dict[str, str]) -> None:
    api = Api()
    event, handler = api.event("POST", "/api/v1/channels/", {"name": "x"})
    event["headers"] = {name.lower(): value for name, value in event["headers"].items()}
    event["multiValueHeaders"] = {name: [value] for name, value in event["headers"].items()}
    made = invoke(handler, event)
    assert made.status == 201
    assert made.headers["Location"].startswith(DEFAULT_DOMAIN.base)
