"""A stranger's fuzzer, which knows nothing but the OpenAPI document, meets no fault and no answer of another shape."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import CHECKS
from schemathesis.core.result import Ok

from store_client import CALLS, openapi_document
from tests.wire.live import Servers, settle
from tests.wire.store_app import WireApp

WANTED = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")
"""What is checked of each answer."""
WAITING = ("subscribe", "stream", "/log")
"""Calls that wait, as they are meant to."""
PATIENCE_SECONDS = 0.1
"""So long may a call wait for news, of which there is none."""
EXAMPLES = 3
ARCHIVE = "application/x-eden-checkpoint+tar"


def operations() -> Iterator[Any]:
    schemathesis.openapi.media_type(ARCHIVE, st.binary())
    schema = schemathesis.openapi.from_dict(openapi_document(CALLS))
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        if not any(word in operation.path for word in WAITING):
            yield operation


@pytest.fixture(scope="module")
def yard(live_sqlite: Servers) -> WireApp:
    async def begin() -> WireApp:
        async with live_sqlite.client() as http:
            return await settle(http)

    return asyncio.run(begin())


@pytest.mark.parametrize("who", ["admin", "orchestrators"])
@pytest.mark.parametrize("operation", list(operations()), ids=lambda operation: f"{operation.method} {operation.path}")
def test_a_stranger_meets_no_fault(live_sqlite: Servers, yard: WireApp, operation: Any, who: str) -> None:
    checks = CHECKS.get_by_names(list(WANTED))

    # What fails is told as it was: some calls wait, and one would be asked a hundred times over for a shorter one.
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy())
    def ask(case: Any) -> None:
        if "experiment_id" in case.path_parameters:
            case.path_parameters["experiment_id"] = yard.store.experiment_id
        if isinstance(case.query.get("wait_seconds"), int | float):
            case.query["wait_seconds"] = min(case.query["wait_seconds"], PATIENCE_SECONDS)
        case.headers = {**(case.headers or {}), **yard.headers(who)}
        case.call_and_validate(base_url=live_sqlite.urls[0], checks=checks)

    ask()
