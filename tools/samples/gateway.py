"""Samples of the API's own document and page, and of what no other route takes."""

import re

from tools.samples.sample import ADDRESS, coded, detail, http, route, typed

DOCS = {
    "openapi": route(
        "GET",
        "/openapi.json",
        http(200, {"openapi": re.compile(r"3\.1\.\d"), "servers": [{"url": ADDRESS}], "paths": dict}),
        caller=None,
    ),
    "page": route(
        "GET",
        "/docs",
        http(200, re.compile(r"<!DOCTYPE html>.*SwaggerUIBundle.*</html>\n", re.DOTALL), content_type=str),
        caller=None,
    ),
}

FALLBACK = {
    "fallback": route("GET", "/api/v1/products/", detail(404, "Not found."), caller=None),
    "fallback.typed": route("GET", "/admin/uploads/nothing", typed(404, "not_found", "Not found."), caller=None),
    "fallback.coded": route("GET", "/admin/collection/shoes", coded(404, "NOT_FOUND"), caller=None),
}
