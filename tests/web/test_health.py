"""The health page: each part in words, for administrators, and none hidden by another that is dead."""

import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from control_plane.health import rules
from control_plane.health.probes import Probe
from control_plane.health.routes import examine
from control_plane.health.rules import Deciding, Finding, Placing
from store_client import ExperimentDetail, OperatorRole
from tests.web.foreign import Foreign
from tests.web.reading import part, says, words
from tests.web.world import World
from web_ui.pages.health import POSTURES


def states(answer: httpx.Response) -> dict[str, str]:
    found = part(answer, "parts").select("tbody tr")
    return {words(row.find("b")): words(row.select_one(".chip")) for row in found}


async def test_every_part_says_how_it_does(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    shown = await browser_of_admin.get("/admin/health")
    found = states(shown)
    for title in ("Control plane", "Task store", "Clocks", "Database", "Git repositories", "Artifact store"):
        assert found[title] == "well", title
    assert found["Credentials (posture B)"] == "well"
    assert found["Orchestrator"] == "broken"
    assert "No orchestrator holds a lease" in says(shown)
    assert found["Scheduler"] == "look at it"
    await world.decide()
    assert states(await browser_of_admin.get("/admin/health"))["Orchestrator"] == "well"
    told = await world.deployment.read_health()
    assert {one.name for one in told.parts} == {"database", "orchestrator", "scheduler", "git", "artifacts", "disk"}


async def test_a_control_plane_that_is_away_is_told_of_beside_what_is_known_without_it(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    world.line.is_cut = True
    shown = await browser_of_admin.get("/admin/health")
    assert shown.status_code == 200
    assert states(shown)["Control plane"] == "broken"
    assert states(shown)["Credentials (posture B)"] == "well"
    assert "switchyard up" in says(shown)


@pytest.mark.parametrize("role", ["viewer", "operator"])
async def test_health_is_for_administrators(world: World, role: OperatorRole) -> None:
    bob = await world.person("Bob", role)
    assert (await bob.get("/admin/health")).status_code == 403
    assert "/admin/health" not in (await bob.get("/")).text


async def test_a_console_of_another_server_says_where_its_credentials_come_from(foreign: Foreign) -> None:
    one = await foreign.world.experiment()
    held = foreign.credentials({one.experiment_id: await foreign.worker(one)})
    ways: tuple[tuple[str, dict[str, Any]], ...] = (
        ("A", {"credential_file": held, "experiment_id": one.experiment_id}),
        ("B", {"admin_token_file": foreign.admin_token()}),
        ("C", {"credential_file": held}),
    )
    for letter, given in ways:
        browser = await foreign.signed_in(await foreign.console(letter, **given))
        shown = await browser.get("/admin/health")
        assert shown.status_code == 200
        assert states(shown)[f"Credentials (posture {letter})"] == ("look at it" if letter == "C" else "well")
        assert states(shown)["Task store"] == "well"


def _hang(let_go: threading.Event) -> Finding:
    let_go.wait(30)
    return Finding("ok", "fine")


async def test_a_part_that_hangs_or_fails_is_broken_and_holds_nobody_up() -> None:
    let_go = threading.Event()
    hung = await examine(Probe("disk", "Disk", lambda: _hang(let_go), "Look."), 0.05)
    let_go.set()
    assert (hung.state, hung.advice) == ("bad", "Look.")
    failed = await examine(Probe("disk", "Disk", lambda: rules.of_disk(*Path("/nowhere").stat()[:2]), "Look."))
    assert failed.state == "bad"
    assert "/nowhere" in failed.words


@pytest.mark.parametrize(
    ("finding", "state"),
    [
        (rules.of_disk(10**6, 10**12), "bad"),
        (rules.of_disk(2 * 1024**3, 10**12), "wait"),
        (rules.of_disk(10**11, 10**12), "ok"),
        (rules.of_database("SQLite", 0.001, 3.0), "wait"),
        (rules.of_orchestrator(Deciding(0, 0, None)), "idle"),
        (rules.of_orchestrator(Deciding(3, 0, 5.0)), "ok"),
        (rules.of_orchestrator(Deciding(3, 0, 500.0)), "bad"),
        (rules.of_scheduler(Placing(0, 0, None, None, 1, None)), "ok"),
        (rules.of_scheduler(Placing(2, 0, 10.0, None, 0, None)), "bad"),
        (rules.of_scheduler(Placing(2, 0, 500.0, None, 1, None)), "wait"),
        (rules.of_scheduler(Placing(2, 0, 500.0, 10.0, 1, None)), "ok"),
        (rules.of_scheduler(Placing(0, 2, 9.0, 9.0, 1, 300.0)), "bad"),
    ],
)
def test_figures_mean_well_worth_a_look_or_broken(finding: Finding, state: str) -> None:
    assert finding.state == state
    assert finding.advice or state in {"ok", "idle"}


def test_every_way_to_come_by_credentials_is_said_and_what_to_do() -> None:
    assert [POSTURES[letter][0] for letter in ("A", "B", "C", "D")] == ["ok", "ok", "wait", "bad"]
    assert all(POSTURES[letter][2] for letter in ("C", "D"))
