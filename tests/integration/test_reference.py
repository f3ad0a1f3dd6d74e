"""The API reference: one OpenAPI document that says what the platform has, and the page that shows it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from typing import Any

import pytest

from deploy import openapi
from stack.paths import CHECKOUT
from tests.support.keys import Keys
from tests.support.platform import Platform
from tests.support.rest import RestClient
from workers.auth.endpoints import routes

ROLES = ("consumer", "operator", "admin")
Document = dict[str, Any]


@pytest.fixture
def described(postgrest: str, keys: Keys) -> Document:
    """The document as the database's comments make it now."""
    client = RestClient(postgrest)
    tokens = [keys.mint(role) for role in ROLES]
    tokens.append(keys.mint("platform_admin", tenant="platform", sub=keys.users["platform@segs.example"]))
    told = []
    for token in tokens:
        answer = client.get("/", {"Authorization": f"Bearer {token}"})
        assert answer.status == 200, answer.text
        told.append(answer.json())
    return openapi.join(openapi.parts(), told)


def test_the_document_in_the_checkout_is_what_the_database_says(described: Document) -> None:
    if os.environ.get("WRITE_OPENAPI"):
        openapi.JOINED.write_text(openapi.text(described), encoding="utf-8")
    known = json.loads(openapi.JOINED.read_text(encoding="utf-8"))
    changed = {
        path
        for path in known["paths"].keys() | described["paths"]
        if known["paths"].get(path) != described["paths"].get(path)
    }
    assert not changed, "the API has changed: run `make openapi` and look at the difference"
    assert openapi.JOINED.read_text(encoding="utf-8") == openapi.text(described), "run `make openapi`"


@pytest.fixture(scope="module")
def document() -> Document:
    loaded: Document = json.loads(openapi.JOINED.read_text(encoding="utf-8"))
    return loaded


def operations(document: Document) -> Iterator[tuple[str, Document]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_every_reference_leads_somewhere(document: Document) -> None:
    for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document))):
        place: Any = document
        for step in reference.split("/"):
            place = place[step]


def test_every_operation_is_named_and_described(document: Document) -> None:
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(names) == len(set(names))
    tags = {tag["name"] for tag in document["tags"]}
    for name, operation in operations(document):
        assert operation["summary"], name
        assert set(operation["tags"]) <= tags, name
        assert operation["responses"]["default"], name


def test_every_endpoint_is_there(document: Document) -> None:
    described = {name for name, _ in operations(document)}
    accounts = {f"{route.method} {route.path}" for route in routes}  # type: ignore[attr-defined]
    assert accounts <= described
    assert {"POST /telemetry/batch", "POST /ws/ticket", "GET /ws", "GET /health"} <= described
    objects = {path.stem for path in (CHECKOUT / "db/functions/api").glob("*.sql")}
    shown = {path.removeprefix("/api/v1/").removeprefix("rpc/") for path in document["paths"]}
    assert objects <= shown


def test_the_page_is_served_at_the_edge(platform: Platform, document: Document) -> None:
    client = RestClient(platform.url)
    redirected = client.get("/docs")
    assert (redirected.status, redirected.headers["location"]) == (308, "/docs/")
    page = client.get("/docs/")
    assert (page.status, page.headers["content-type"]) == (200, "text/html")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page.text), "nothing comes from elsewhere"
    kinds = {
        "js": "application/javascript",
        "css": "text/css",
        "png": "image/png",
        "json": "application/json",
    }
    for name in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        answer = client.request("HEAD", f"/docs/{name}")
        assert (answer.status, answer.headers["content-type"]) == (200, kinds[name.rpartition(".")[2]]), name
    assert client.get("/docs/openapi.json").json() == document
    assert client.get("/docs/../nginx.conf").status == 404
    assert client.get("/docs/parts/10-platform.json").status == 404
