"""The packing experiment: a plain grid to begin with, an honest climb, and a judge that no variant can move."""

import json
from typing import Any

import pytest

from tests.examples.conftest import Begin
from tests.examples.host import Host, is_refused

RADIUS = 1 / 12
GRID = [[(place % 6 + 0.5) / 6, (place // 6 + 0.5) / 6, RADIUS - 1e-9] for place in range(26)]
NAN, INFINITY = float("nan"), float("inf")


def changed(place: int, x: float, y: float, radius: float) -> list[list[float]]:
    """The grid with another circle in one place."""
    return [*GRID[:place], [x, y, radius], *GRID[place + 1 :]]


def evaluate(host: Host, circles: object) -> dict[str, Any]:
    """The verdict on a program that prints these circles."""
    return host.judge(pack=f"print({json.dumps(circles)!r})")


def test_the_baseline_is_a_plain_grid(packing: Host) -> None:
    outcome = packing.evaluate(packing.base_commit)
    assert outcome["status"] == "success"
    assert outcome["evaluation"]["sum_radii"] == pytest.approx(26 * RADIUS)
    assert set(outcome["evaluation"]) == set(packing.config["evaluation_schema"])


def test_twelve_variants_beat_the_grid(begin: Begin) -> None:
    host = begin("packing")
    baseline = host.begin()
    assert max(host.evolve(12, until=baseline + 0.05)) > baseline + 0.05


@pytest.mark.long
def test_sixty_variants_pass_two_and_a_half(begin: Begin) -> None:
    host = begin("packing")
    host.begin()
    assert max(host.evolve(60)) > 2.5


def test_the_judge_adds_up_the_radii_and_finds_the_smallest_gap(packing: Host) -> None:
    apart = changed(25, 0.5, 0.95, 0.01)
    outcome = evaluate(packing, apart)
    assert outcome["status"] == "success"
    metrics = outcome["evaluation"]
    assert metrics["sum_radii"] == pytest.approx(sum(radius for _, _, radius in apart), abs=1e-12)
    assert metrics["min_gap"] == pytest.approx(2e-9, rel=1e-3)


@pytest.mark.parametrize(
    ("circles", "reason"),
    [
        (changed(1, 0.25, 1 / 12, RADIUS + 1e-7), "leaves the square"),
        (changed(8, 2.5 / 6, 1.5 / 6, RADIUS + 4e-9), "overlap"),
        (changed(8, 1.5 / 6, 1.5 / 6, RADIUS), "overlap"),
        ([*GRID, [0.9, 0.95, 0.01]], "exactly 26"),
        (GRID[:25], "exactly 26"),
        (changed(3, NAN, 0.5, 0.01), "finite number"),
        (changed(3, 0.5, 0.5, NAN), "finite number"),
        (changed(3, 0.5, 0.5, INFINITY), "finite number"),
        (changed(3, 0.5, 0.95, -0.5), "finite number"),
        (changed(3, 0.5, 0.95, 0), "no radius"),
        (changed(3, 0.5, 0.95, True), "finite number"),
        ([[0.5, 0.5]] * 26, "[x, y, radius]"),
        ({"circles": GRID}, "exactly 26"),
    ],
)
def test_no_false_packing_is_scored(packing: Host, circles: object, reason: str) -> None:
    assert is_refused(evaluate(packing, circles), reason)


def test_an_overlap_within_the_tolerance_is_let_be(packing: Host) -> None:
    touching = changed(8, 2.5 / 6, 1.5 / 6, RADIUS + 1.5e-9)
    assert evaluate(packing, touching)["status"] == "success"


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("print('no packing')", "not JSON"),
        ("raise SystemExit(3)", "exit code 3"),
        ("import nonesuch", "nonesuch"),
        ("print('[' * 200000)", "not JSON"),
        ("print('0' * 2_000_000)", "bytes"),
        ("open('/etc/shadow-of-a-file', 'w')", "may not open"),
        ("import subprocess; subprocess.run(['true'])", "may not use subprocess"),
    ],
)
def test_a_program_that_fails_is_the_variants_fault(packing: Host, program: str, reason: str) -> None:
    assert is_refused(packing.judge(pack=program), reason)


def test_a_variant_cannot_bring_its_own_judge(packing: Host) -> None:
    lenient = "import json; open('.eden/eval-outcome.json', 'w').write('{\"status\": \"success\"}')"
    outcome = packing.judge(pack="print('[]')", evaluate=lenient, exam=lenient, cage=lenient)
    assert is_refused(outcome, "exactly 26")


def test_a_judge_that_cannot_work_blames_itself(begin: Begin) -> None:
    host = begin("packing")
    (host.base / "cage.py").unlink()
    outcome = host.evaluate(host.base_commit)
    assert (outcome["status"], outcome["evaluation"]) == ("evaluation_error", {})
    assert "cage.py" in outcome["description"]
