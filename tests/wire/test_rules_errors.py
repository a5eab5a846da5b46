"""§16 and §1.1: the closed vocabulary of refusals, each provoked by some test, and the version that is declared."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from store_client.errors import kinds
from tests.wire.yard import Yard

TESTS = Path(__file__).parents[1]
VOCABULARY: Mapping[int, tuple[str, ...]] = {
    400: ("bad-request", "experiment-id-mismatch", "checkpoint-invalid"),
    401: ("unauthorized",),
    403: ("forbidden", "worker-not-registered", "worker-not-eligible", "wrong-claimant"),
    404: ("not-found",),
    409: (
        "already-exists", "illegal-transition", "not-claimed", "conflicting-resubmission", "invalid-precondition",
        "no-op-variant", "reserved-identifier", "cycle-detected", "experiment-id-conflict", "spec-version-mismatch",
        "unsupported-checkpoint-version", "checkpoint-in-progress", "lease-held-by-other", "lease-instance-mismatch",
    ),
    410: ("lease-not-held", "lease-expired"),
    413: ("payload-too-large",),
    422: ("invalid-name",),
}  # fmt: skip
UNPROVOKED = frozenset({"worker-not-registered", "checkpoint-in-progress"})
"""Who is not registered has no bearer either; checkpoints of one experiment may be written side by side."""


def provoked() -> set[str]:
    """The refusals that some test expects: by name over HTTP, or by class where an operation is called."""
    texts = [file.read_text(encoding="utf-8") for file in TESTS.rglob("test_*.py") if file != Path(__file__)]
    by_class = {kind.__name__: name.removeprefix("eden://error/") for name, kind in kinds().items()}
    over_http = re.compile(f"[/\"']({'|'.join(by_class.values())})[\"']")
    raised = re.compile(rf"raises\((?:errors\.)?({'|'.join(by_class)})\b")
    return {name for text in texts for name in over_http.findall(text)} | {
        by_class[name] for text in texts for name in raised.findall(text)
    }


@pytest.fixture(scope="module")
def found() -> set[str]:
    return provoked()


def test_the_vocabulary_is_the_protocols() -> None:
    ours = {(kind.status, name.removeprefix("eden://error/")) for name, kind in kinds().items()}
    assert ours == {(status, name) for status, names in VOCABULARY.items() for name in names}


@pytest.mark.parametrize("name", sorted({name for names in VOCABULARY.values() for name in names} - UNPROVOKED))
def test_every_refusal_is_provoked(name: str, found: set[str]) -> None:
    assert name in found


async def test_a_refusal_says_what_where_and_which_address(yard: Yard) -> None:
    answer = await yard.call("ann", "GET", "v0:tasks/none")
    problem = answer.json()
    assert problem == {
        "type": "eden://error/not-found",
        "title": "Not found",
        "status": 404,
        "detail": problem["detail"],
        "instance": f"{yard.v0}/tasks/none",
    }
    assert "none" in problem["detail"]


async def test_the_version_of_the_protocol_is_declared(yard: Yard) -> None:
    assert (await yard.http.get("/health")).json() == {"status": "ok", "spec_version": "v0"}
    assert (await yard.http.get("/openapi.json", headers=yard.headers("ann"))).json()["info"]["version"] == "v0"
