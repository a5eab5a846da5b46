"""What the table of calls is turned into for readers: `docs/wire.md` and the OpenAPI document."""

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from store_client.wire.call import Call, Who
from store_client.wire.calls import CALLS
from store_client.wire.description import Described
from store_client.wire.openapi import openapi_document
from store_client.wire.refusals import REFUSALS
from tests.wire.table import write
from tests.wire.yard import Yard

PAGE = Path(__file__).parents[2] / "docs" / "wire.md"


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    return openapi_document(CALLS)


def test_the_page_is_what_the_table_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == write(), "run: python -m tests.wire.table > docs/wire.md"


def test_every_refusal_is_of_a_call_that_exists() -> None:
    assert REFUSALS.keys() - {call.name for call in CALLS} == set()


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_every_call_is_an_operation_with_its_parts(call: Call, whole: dict[str, Any]) -> None:
    row, operation = Described(call), whole["paths"][call.path][call.method.lower()]
    assert operation["operationId"] == call.name
    assert operation["tags"] == [row.noun]
    assert row.gate in operation["description"]
    assert ("requestBody" in operation) is (call.body is not None or row.upload != "")
    assert {str(call.status), *(str(kind.status) for kind in row.refusals)} == operation["responses"].keys()
    named = {(one["name"], one["in"]) for one in operation["parameters"]}
    assert {(place, "path") for place in row.places} <= named
    assert (("X-Eden-Experiment-Id", "header") in named) is call.needs_header
    assert {(field.name, "query") for field in row.query} <= named
    assert (operation.get("security") == []) is (call.who is Who.ANYONE)


def test_every_schema_of_the_document_is_one_and_every_reference_leads_somewhere(whole: dict[str, Any]) -> None:
    schemas = whole["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    found = set(references(whole))
    assert found
    assert found <= {f"#/components/schemas/{name}" for name in schemas}


def references(part: Any) -> Any:
    if isinstance(part, dict):
        yield from ([part["$ref"]] if isinstance(part.get("$ref"), str) else [])
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from references(inner)


async def test_the_document_is_for_every_bearer_and_nobody_else(yard: Yard) -> None:
    for name in ("ann", "admin"):
        answer = await yard.http.get("/openapi.json", headers=yard.headers(name))
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json; charset=utf-8")
        assert answer.json() == openapi_document(CALLS)
    for headers in ({}, {"Authorization": "Bearer admin:wrong"}):
        refused = await yard.http.get("/openapi.json", headers=headers)
        assert (refused.status_code, refused.json()["type"]) == (401, "eden://error/unauthorized")
