"""No input yields a fault: made-up requests to every call, and each answer is one that the document promises."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from hypothesis import HealthCheck, given, settings

from store_client.errors import kinds
from store_client.wire.call import Call
from store_client.wire.calls import CALLS
from store_client.wire.description import Described
from tests.wire.contract import must_answer
from tests.wire.guesses import Guess, guesses
from tests.wire.live import Servers, settle
from tests.wire.yard import Yard

NAMES = ("admin", "ann", "bob", "orchestrators", "admins", "host", "nobody", "junk")
PATIENT = frozenset({"subscribe"})
"""Calls that wait by themselves: they are asked for what has happened already."""
FUZZED = tuple(call for call in CALLS if not (call.is_streamed and "stream" in call.path))


@dataclass
class Target:
    """One server, and an experiment with something of everything in it."""

    servers: Servers
    http: httpx.Client
    yard: Yard
    known: dict[str, list[str]]
    host: str

    @property
    def is_quick(self) -> bool:
        """Whether the server's database is the faster of the two."""
        return (self.servers.data.parent / "live.db").exists()

    def headers(self, name: str) -> dict[str, str]:
        here = {"X-Eden-Experiment-Id": self.yard.store.experiment_id}
        other = {
            "host": {"Authorization": f"Bearer {self.host}"},
            "junk": {"Authorization": "Bearer \u00e9:x"},
            "nobody": {},
        }
        return here | other[name] if name in other else self.yard.headers(name)

    def send(self, call: Call, guess: Guess) -> httpx.Response:
        places = {**guess.places, "experiment_id": self.yard.store.experiment_id}
        query = {"cursor": "0"} if call.name in PATIENT else guess.query
        path = Guess(places, query, guess.content, guess.name).path(call)
        headers = self.headers(guess.name) | guess.headers
        encoded = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
        return self.http.request(call.method, path, content=guess.content, headers=encoded)


async def something_of_everything(servers: Servers) -> tuple[Yard, dict[str, list[str]], str]:
    """A fresh experiment with tasks, ideas and variants in several states, and the ids of all."""
    async with servers.client() as http:
        app = await settle(http)
        yard = Yard(app.store, http)
        task, claimed = await yard.task(), await yard.task()
        await yard.claim(claimed)
        drafted, ready = await yard.idea(is_ready=False), await yard.idea()
        executing, _, variant = await yard.executing()
        executed, evaluated = await yard.executed(), await yard.evaluated(accuracy=0.5)
        group = (await yard.post("v0:groups", name="admin"))["group_id"]
        worker = (await yard.post("v0:workers", name="admin"))["worker_id"]
        host = (await http.post("/v0/control/workers", json={}, headers=yard.headers("admin"))).json()
        known = {
            "task_id": [task, claimed, executing],
            "idea_id": [drafted, ready],
            "variant_id": [variant, executed, evaluated],
            "group_id": [group],
            "worker_id": [worker],
            "member_id": [worker, group, yard.store.id_of("ann")],
            "entry_id": [yard.store.experiment_id],
        }
        return yard, known, f"{host['worker_id']}:{host['registration_token']}"


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def servers(request: pytest.FixtureRequest) -> Servers:
    found: Servers = request.getfixturevalue(f"live_{request.param}")
    return found


@pytest.fixture(scope="module")
def http(servers: Servers) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=servers.urls[0], timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def target(servers: Servers, http: httpx.Client) -> Target:
    return Target(servers, http, *asyncio.run(something_of_everything(servers)))


def renew_if_spent(target: Target) -> None:
    """Guessed acts end experiments and void tokens: begin anew where they did."""
    for name in ("ann", "bob", "orchestrators", "admins"):
        state = target.http.get(f"{target.yard.v0}/state", headers=target.yard.headers(name))
        if state.status_code != 200 or state.json() != {"state": "running"}:
            target.yard, target.known, target.host = asyncio.run(something_of_everything(target.servers))
            return


def must_be_promised(call: Call, answer: httpx.Response) -> None:
    """The answer is a success of the call's shape, or a refusal that its description names."""
    assert answer.status_code < 500, answer.text
    if answer.is_success:
        if call.path.startswith("/v0/") and not call.is_streamed:
            must_answer(call, answer)
        if call.answer is not None:
            call.decode(answer.json())
        return
    assert answer.headers["content-type"] == "application/problem+json; charset=utf-8", answer.text
    problem = json.loads(answer.content)
    kind = kinds()[problem["type"]]
    assert kind.status == problem["status"] == answer.status_code
    assert kind in Described(call).refusals, f"{call.name} is not said to answer {kind.type()}: {problem['detail']}"


def fuzz(target: Target, call: Call, examples: int) -> None:
    renew_if_spent(target)

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(guesses(call, target.known, NAMES))
    def ask(guess: Guess) -> None:
        must_be_promised(call, target.send(call, guess))

    ask()


@pytest.mark.parametrize("call", FUZZED, ids=lambda call: call.name)
def test_made_up_requests_get_promised_answers(target: Target, call: Call) -> None:
    fuzz(target, call, 8 if target.is_quick else 4)


@pytest.mark.long
@pytest.mark.parametrize("call", FUZZED, ids=lambda call: call.name)
def test_many_made_up_requests_get_promised_answers(target: Target, call: Call) -> None:
    for _ in range(3):
        fuzz(target, call, 150)
