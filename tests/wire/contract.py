"""Every answer under /v0 held against the protocol's schemas, wherever a wire test asks.

Where text and schema disagree, the reading of protocol §18.4 counts.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import httpx
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from store_client.errors import kinds
from store_client.wire.call import Call
from store_client.wire.calls import CALLS

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
BASE = "https://schemas.invalid/"
SUBMITTED = {"const": "submitted"}
JSON, PROBLEM = "application/json; charset=utf-8", "application/problem+json; charset=utf-8"
ANSWERS: Mapping[str, str] = {
    "create_task": "task", "list_tasks": "task[]", "read_task": "task", "reassign_task": "task",
    "claim_task": "wire/claim-response", "create_idea": "idea", "list_ideas": "idea[]", "read_idea": "idea",
    "mark_idea_ready": "idea", "create_variant": "variant", "list_variants": "variant[]", "read_variant": "variant",
    "read_experiment": "experiment", "terminate_experiment": "experiment",
    "read_state": "wire/experiment-state-response", "read_dispatch_mode": "wire/dispatch-mode-response",
    "update_dispatch_mode": "wire/dispatch-mode-response", "read_events": "wire/events-response",
    "subscribe": "wire/events-response", "whoami": "wire/whoami-response", "deployment_whoami": "wire/whoami-response",
    "register_worker": "wire/worker-registration", "reissue_credential": "wire/worker-registration",
    "list_workers": "workers:worker[]", "read_worker": "worker", "register_group": "group",
    "list_groups": "groups:group[]", "read_group": "group", "add_to_group": "group", "remove_from_group": "group",
    "deposit_artifact": "wire/deposit-artifact-response", "acquire_lease": "lease", "renew_lease": "lease",
    "list_leases": "leases:lease[]", "register_deployment_worker": "wire/worker-registration",
    "list_deployment_workers": "workers:worker[]", "read_deployment_worker": "worker",
    "reissue_deployment_credential": "wire/worker-registration", "register_deployment_group": "group",
    "list_deployment_groups": "groups:group[]", "read_deployment_group": "group",
    "add_to_deployment_group": "group", "remove_from_deployment_group": "group",
}  # fmt: skip
"""The schema of each call's answer: of one, of a bare list, or of a list under a key."""


async def keeps_the_contract(response: httpx.Response) -> None:
    """Fail the test that got an answer which the protocol does not know."""
    path = response.request.url.path
    media = response.headers.get("content-type", "")
    if not path.startswith("/v0/") or response.status_code >= 500 or "event-stream" in media:
        return
    call = next(matching(response.request.method, path), None)
    if response.is_error:
        await response.aread()
        assert media == PROBLEM, f"{response.status_code} of {path} is {media!r}"
        if response.request.method != "HEAD":
            must_be_a_problem(response.status_code, response.json())
    elif call is not None and not call.is_streamed:
        await response.aread()
        must_answer(call, response)


HOOKS: dict[str, list[Callable[..., Any]]] = {"response": [keeps_the_contract]}
"""What a client of a wire test calls with every answer."""


def matching(method: str, path: str) -> Iterator[Call]:
    return (call for call in CALLS if call.method == method and _pattern(call.path).fullmatch(path))


def must_be_a_problem(status: int, problem: Any) -> None:
    must_be("wire/error", problem)
    kind = kinds().get(problem["type"])
    assert kind is not None, f"{problem['type']} is not in the protocol's list"
    assert status == problem["status"] == kind.status, problem


def must_answer(call: Call, response: httpx.Response) -> None:
    """The answer has the call's status, and its schema, or not a single byte."""
    assert response.status_code == call.status, f"{call.name} answered {response.status_code}"
    if call.answer is None:
        assert response.content == b"", f"{call.name} has nothing to say and said {response.content!r}"
        return
    assert response.headers["content-type"] == JSON
    wanted, answer = ANSWERS.get(call.name), response.json()
    if wanted is None:
        return
    if wanted == "wire/events-response":
        for event in answer["events"]:
            must_be("event", event)
        answer = answer | {"events": []}  # each was looked at by itself
    key, _, name = wanted.rpartition(":")
    if key:
        assert answer.keys() == {key}
        answer = answer[key]
    for item in answer if name.endswith("[]") else [answer]:
        must_be(name.removesuffix("[]"), item)


def must_be(name: str, value: Any) -> None:
    """The value satisfies a schema of docs/schemas, and has no null that is not allowed."""
    text = json.dumps(value)
    faults = _faults_of(name, text)
    assert not faults, f"not a {name}: {faults}\n{text[:2000]}"
    nulls = {key for key, inner in value.items() if inner is None} - {"imported_from"}
    assert not nulls, f"a {name} says null for {nulls}"


@lru_cache(maxsize=10_000)
def _faults_of(name: str, text: str) -> list[str]:
    """What is wrong with a value; the same task or event is read many times."""
    found = _validator(name).iter_errors(json.loads(text))
    return [f"{error.json_path}: {error.message}" for error in found]


@cache
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{[a-z_]+\}", "[^/]+", path))


@cache
def _validator(name: str) -> Any:
    return Draft202012Validator({"$ref": f"{BASE}{name}.schema.json"}, registry=_registry())


@cache
def _registry() -> "Registry[Any]":
    found = {path.relative_to(SCHEMAS).as_posix(): json.loads(path.read_text()) for path in SCHEMAS.rglob("*.json")}
    return Registry().with_resources(
        (f"{BASE}{name}", Resource.from_contents(_as_read(name, schema), default_specification=DRAFT202012))
        for name, schema in found.items()
    )


def _as_read(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with the exceptions of protocol §18.4."""
    schema = deepcopy(schema)
    if name == "wire/error.schema.json":
        schema["properties"]["type"]["enum"] = sorted(kinds())
    if name in {"worker.schema.json", "group.schema.json", "wire/worker-registration.schema.json"}:
        schema["required"].remove("experiment_id")  # the deployment's identities have none
    if name == "task.schema.json":  # an imported submitted task has no claim any more
        schema["allOf"][-1]["then"] = {"anyOf": [schema["allOf"][-1]["then"], {"properties": {"state": SUBMITTED}}]}
    return schema
