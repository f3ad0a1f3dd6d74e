"""One OpenAPI document of the whole platform, from PostgREST's own description and hand-written parts.

PostgREST describes schema ``api`` in Swagger 2.0, out of the comments in the database. What the workers offer
is written by hand in ``deploy/reference/parts``. ``make openapi`` joins both into
``deploy/reference/openapi.json``, which ``/docs/`` shows; a test fails while that file is not what the
database says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

Document = dict[str, Any]

REFERENCE = Path(__file__).with_name("reference")
PARTS = REFERENCE / "parts"
JOINED = REFERENCE / "openapi.json"
PREFIX = "/api/v1"
JSON = "application/json"
FORMATS = {
    "timestamp with time zone": "date-time",
    "date": "date",
    "uuid": "uuid",
    "integer": "int32",
    "bigint": "int64",
    "double precision": "double",
}
"""PostgreSQL's types that have a name in OpenAPI; the others are told by type alone."""
_KEY_NOTE = re.compile(r"\s*Note:\nThis is a (?:Primary Key|Foreign Key to [^\n]*)\.<[^\n]*/>")


def join(parts: Iterable[Document], postgrest: Iterable[Document]) -> Document:
    """One OpenAPI 3 document; ``postgrest``: what each role is told, of which the union is taken."""
    swagger = union(postgrest)
    whole: Document = {
        "openapi": "3.0.3",
        "paths": {},
        "tags": [],
        "components": {"schemas": {}, "parameters": COMMON},
    }
    for part in parts:
        whole["paths"] |= part.get("paths", {})
        whole["tags"] += part.get("tags", [])
        for kind, members in part.get("components", {}).items():
            whole["components"].setdefault(kind, {}).update(members)
        whole |= {key: value for key, value in part.items() if key in ("info", "servers", "security")}
    whole["tags"] += [{"name": tag, "description": text} for tag, text in REST_TAGS.items()]
    schemas = {name: _rows(schema) for name, schema in swagger["definitions"].items()}
    whole["components"]["schemas"] |= dict(sorted(schemas.items()))
    for path, operations in sorted(swagger["paths"].items()):
        if path != "/":
            # views can only be read, and calls are shown in the one way that suits all of them
            method = "post" if path.startswith("/rpc/") else "get"
            whole["paths"][PREFIX + path] = {
                method: _operation(path, operations[method], swagger["parameters"])
            }
    return whole


def _query(name: str, description: str, example: str, kind: str = "string") -> Document:
    return {
        "name": name, "in": "query", "description": description, "example": example, "schema": {"type": kind},
    }  # fmt: skip


COMMON: dict[str, Document] = {
    "select": _query("select", "Columns to answer, all by default", "meter_id,region"),
    "order": _query("order", "Columns to sort by", "meter_id.desc"),
    "limit": _query("limit", "How many rows, at most 1,000", "100", "integer"),
    "offset": _query("offset", "How many rows to leave out first", "0", "integer"),
    "preferCount": {
        "name": "Prefer",
        "in": "header",
        "description": "`count=exact` tells in Content-Range how many rows there are",
        "schema": {"type": "string"},
    },
}
"""Parameters that every view takes, in better words than PostgREST's."""

REST_TAGS = {
    "Data": "What can be read. Filter with `column=eq.value` (also gt, gte, lt, lte, like, in, is), choose "
    "columns with `select`, sort with `order`, page with `limit` and `offset`. At most 1,000 rows an answer.",
    "Calls": "What can be done or asked: functions of the database.",
}


def union(descriptions: Iterable[Document]) -> Document:
    """Everything that any role is told of."""
    whole: Document = {"paths": {}, "definitions": {}, "parameters": {}}
    for description in descriptions:
        for path, operations in description.get("paths", {}).items():
            whole["paths"].setdefault(path, {}).update(operations)
        for kind in ("definitions", "parameters"):
            whole[kind] |= description.get(kind) or {}
    return whole


def _operation(path: str, operation: Document, known: Mapping[str, Document]) -> Document:
    """A Swagger 2 operation as OpenAPI 3 has it."""
    name = path.removeprefix("/rpc/").removeprefix("/")
    parameters = [_resolved(parameter, known) for parameter in operation.get("parameters", [])]
    called = path.startswith("/rpc/")
    made: Document = {
        "tags": ["Calls" if called else "Data"],
        "operationId": f"{'call' if called else 'read'}_{name}",
        "summary": operation.get("summary", name),
    }
    if operation.get("description"):
        made["description"] = operation["description"]
    if not called:
        columns = [p for p in parameters if p["in"] == "query" and p["name"] not in COMMON]
        shared = [{"$ref": f"#/components/parameters/{key}"} for key in COMMON]
        made["parameters"] = [*map(_filter, columns), *shared]
    for parameter in parameters:
        if parameter["in"] == "body":
            schema = {
                key: value for key, value in _renamed(parameter["schema"]).items() if key != "description"
            }
            made["requestBody"] = {"required": True, "content": {JSON: {"schema": schema}}}
    made["responses"] = {
        "200": _success(called, operation),
        "default": {"$ref": "#/components/responses/Error"},
    }
    return made


def _success(called: bool, operation: Document) -> Document:
    described = operation.get("responses", {}).get("200", {})
    schema = _renamed(described["schema"]) if "schema" in described else {}
    what = "What the function returns" if called else "The rows"
    return {"description": what, "content": {JSON: {"schema": schema}}}


def _resolved(parameter: Document, known: Mapping[str, Document]) -> Document:
    reference = parameter.get("$ref")
    return known[reference.removeprefix("#/parameters/")] if reference else parameter


def _filter(column: Document) -> Document:
    # the value is a filter such as eq.7, whatever the column's own type
    described = {key: column[key] for key in ("name", "in", "description") if key in column}
    return described | {"schema": {"type": "string"}}


def _rows(definition: Document) -> Document:
    """A view's columns. Any of them may be null: a view does not say which may not."""
    made: Document = _renamed(definition)
    made.pop("required", None)
    made["description"] = made.get("description", "").partition("\n")[0]
    made["properties"] = {name: column | {"nullable": True} for name, column in made["properties"].items()}
    return made


def _renamed(schema: Any) -> Any:
    """The same with references and PostgreSQL's types as OpenAPI 3 knows them."""
    if isinstance(schema, list):
        return [_renamed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _renamed(value) for key, value in schema.items()}
    kind = made.get("format")
    if isinstance(kind, str):
        del made["format"]
        made |= {"format": FORMATS[kind]} if kind in FORMATS else {}
    if isinstance(made.get("description"), str):
        made["description"] = _KEY_NOTE.sub("", made["description"])
    if isinstance(made.get("$ref"), str):
        made["$ref"] = made["$ref"].replace("#/definitions/", "#/components/schemas/")
    return made


def parts() -> list[Document]:
    """The hand-written parts, in the order of their names."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(PARTS.glob("*.json"))]


def text(document: Document) -> str:
    """As it stands in the file."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
