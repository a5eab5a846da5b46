"""The table of calls as an OpenAPI 3.1 document."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from store_client.wire.call import Call, Who
from store_client.wire.description import Described

PROBLEM = "application/problem+json"
HEADER = "X-Eden-Experiment-Id"
ABOUT = (
    "The EDEN protocol under `/v0`, and Switchyard's own calls under `/api`. Requests and answers are JSON; every "
    "refusal is `application/problem+json` whose `type` is one of the protocol's. Optional fields are left out, never "
    "null."
)
PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string", "minLength": 1},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
    },
}
UPLOADS = {
    "multipart/form-data": {
        "type": "object",
        "required": ["file"],
        "properties": {"file": {"type": "string", "contentMediaType": "application/octet-stream"}},
    }
}
Json = dict[str, Any]
Part = tuple[str, str]


def openapi_document(calls: Iterable[Call], version: str = "v0") -> Json:
    """The whole document."""
    rows = [Described(call) for call in calls]
    schemas, definitions = _schemas(rows)
    queries = {part for part in schemas if part[1] == "query"}
    paths: dict[str, Json] = defaultdict(dict)
    for row in rows:
        paths[row.call.path][row.call.method.lower()] = _operation(row, schemas, definitions)
    for part in queries:  # they are spelled out as parameters
        definitions.pop(_name(schemas[part]), None)
    bearer = {"type": "http", "scheme": "bearer", "description": "`<worker id>:<token>`, or `admin:<admin token>`"}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Switchyard", "version": version, "description": ABOUT},
        "security": [{"bearer": []}],
        "tags": [{"name": noun} for noun in dict.fromkeys(row.noun for row in rows)],
        "paths": dict(paths),
        "components": {
            "securitySchemes": {"bearer": bearer},
            "schemas": {**definitions, "Problem": PROBLEM_SCHEMA},
        },
    }


def _schemas(rows: Iterable[Described]) -> tuple[dict[Part, Json], Json]:
    """The schema of each body, query and answer, and the definitions that they share."""
    inputs: list[tuple[Part, JsonSchemaMode, TypeAdapter[Any]]] = []
    for row in rows:
        call = row.call
        for part, kind in (("body", call.body), ("query", call.query), ("answer", call.answer)):
            if kind is not None:
                inputs.append(((call.name, part), "validation", TypeAdapter(kind)))
    found, rest = TypeAdapter.json_schemas(inputs, ref_template="#/components/schemas/{model}")
    return {part: schema for (part, _mode), schema in found.items()}, dict(rest.get("$defs", {}))


def _operation(row: Described, schemas: dict[Part, Json], definitions: Json) -> Json:
    call = row.call
    query = _resolved(schemas.get((call.name, "query"), {}), definitions)
    operation: Json = {
        "operationId": call.name,
        "summary": call.summary,
        "description": f"For {row.gate}.",
        "tags": [row.noun],
        "parameters": [*_places(row), *_parameters(query)],
        "responses": _responses(row, schemas.get((call.name, "answer"))),
    }
    if (call.name, "body") in schemas:
        content = {"application/json": {"schema": schemas[call.name, "body"]}}
        operation["requestBody"] = {"required": not call.body_is_optional, "content": content}
    if row.upload:
        operation["requestBody"] = {"required": True, "content": {row.upload: {"schema": UPLOADS.get(row.upload, {})}}}
    if call.who is Who.ANYONE:
        operation["security"] = []
    return operation


def _resolved(schema: Json, definitions: Json) -> Json:
    found: Json = definitions[_name(schema)] if "$ref" in schema else schema
    return found


def _name(schema: Json) -> str:
    """The name of the definition that a schema refers to; empty when it refers to none."""
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _places(row: Described) -> list[Json]:
    text = {"type": "string", "minLength": 1}
    places = [{"name": name, "in": "path", "required": True, "schema": text} for name in row.places]
    if row.call.needs_header:
        note = "the experiment of the path"
        places.append({"name": HEADER, "in": "header", "required": True, "schema": text, "description": note})
    return places


def _parameters(query: Json) -> list[Json]:
    required = set(query.get("required", ()))
    return [
        {"name": name, "in": "query", "required": name in required, "schema": schema}
        for name, schema in query.get("properties", {}).items()
    ]


def _responses(row: Described, answer: Json | None) -> Json:
    success: Json = {"description": "Done."}
    if answer is not None:
        success["content"] = {"application/json": {"schema": answer}}
    elif row.download:
        success["content"] = {row.download: {}}
    by_status: dict[str, list[str]] = defaultdict(list)
    for kind in row.refusals:
        by_status[str(kind.status)].append(kind.type())
    return {str(row.call.status): success} | {status: _problem(types) for status, types in by_status.items()}


def _problem(types: list[str]) -> Json:
    narrowed = {"properties": {"type": {"enum": types}}}
    schema = {"allOf": [{"$ref": "#/components/schemas/Problem"}, narrowed]}
    names = ", ".join(f"`{name.rpartition('/')[2]}`" for name in types)
    return {"description": f"Refused: {names}.", "content": {PROBLEM: {"schema": schema}}}
