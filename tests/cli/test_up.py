"""`switchyard up`: where everything is, who else may come in, and what is there on the first run."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.acceptance.deployment import Deployment
from tests.cli.commands import invoked


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A deployment that the tests of this file share."""
    shared = Deployment(tmp_path_factory.mktemp("up") / "data")
    try:
        yield shared.up()
    finally:
        shared.clean_up()


def answers(url: str) -> bool:
    with urlopen(url, timeout=60) as answer:  # noqa: S310 - our own server
        return bool(answer.status == 200)


def test_the_ready_line_says_where_everything_is(up: Deployment) -> None:
    assert up.ready["event"] == "ready"
    assert up.ready["signin"].startswith(f"{up.ready['web']}/signin?code=")
    assert answers(f"{up.ready['control_plane']}/health")
    assert answers(f"{up.ready['web']}/signin")
    assert up.data.stat().st_mode & 0o777 == 0o700


def test_another_link_to_sign_in_can_be_had(up: Deployment) -> None:
    link = invoked("signin", "--data", str(up.data)).stdout.strip()
    assert link.startswith(f"{up.ready['web']}/signin?code=")
    assert link != up.ready["signin"]


def test_a_web_ui_that_dies_is_started_again_where_it_was(up: Deployment) -> None:
    dead = up.services["web UI"]
    os.kill(dead, signal.SIGKILL)
    up.until(lambda: up.services["web UI"] != dead, "the web UI comes back")
    assert answers(f"{up.ready['web']}/signin")


def test_the_examples_are_there_on_the_first_run_and_only_then(tmp_path: Path) -> None:
    running = Deployment(tmp_path / "data")
    try:
        made = running.up("--examples").client.list_experiment_summaries()
        assert {summary.slug for summary in made} == {"digits", "packing"}
        for summary in made:
            running.store(summary.experiment_id).end_experiment()
        assert running.stop() == 0
        again = running.up("--examples").client.list_experiment_summaries()
        assert {summary.experiment_id for summary in again} == {summary.experiment_id for summary in made}
        assert running.stop() == 0
    finally:
        running.clean_up()
