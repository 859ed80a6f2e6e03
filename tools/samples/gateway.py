"""Samples of the API's own document and page, and of what no other route takes."""

import re

from tools import sample_world as world
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
    "fallback.preflight": route(
        "OPTIONS",
        f"/public/collection/{world.COLLECTION}/verifySN/1",
        http(
            204,
            allow="GET, HEAD, OPTIONS",
            access_control_allow_origin="*",
            access_control_allow_methods="GET, HEAD, OPTIONS",
            access_control_allow_headers="content-type, x-shop",
        ),
        headers={
            "Origin": "https://shop.example.com",
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "content-type,x-shop",
        },
        caller=None,
    ),
    "fallback.coded": route("GET", "/admin/collection/shoes", coded(404, "NOT_FOUND"), caller=None),
}
