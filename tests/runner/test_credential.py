"""The credential of a role's command: it is the worker's while the attempt runs, and nobody's afterwards."""

import asyncio
import os
from pathlib import Path

import httpx

from tests.runner.houses import EXECUTE, House, running

SHOW = (
    'printf %s "$EDEN_READONLY_STORE_URL" >{folder}/store; printf %s "$EDEN_WORKER_CREDENTIAL" >{folder}/secret.new; '
    "mv {folder}/secret.new {folder}/secret"
)
WAIT = "until [ -e {folder}/go ]; do sleep 0.05; done"


async def status_of(house: House, experiment_id: str, bearer: str) -> tuple[int, str | None]:
    """What the server thinks of a bearer."""
    async with httpx.AsyncClient(transport=house.wire.inner, base_url="http://house") as http:
        headers = {"Authorization": f"Bearer {bearer}", "X-Eden-Experiment-Id": experiment_id}
        answer = await http.get(f"/v0/experiments/{experiment_id}/whoami", headers=headers)
        return answer.status_code, answer.json().get("worker_id")


async def variants_at(store: str, house: House, bearer: str) -> int:
    """How many variants a command finds where it may look around."""
    async with httpx.AsyncClient(transport=house.wire.inner) as http:
        headers = {"Authorization": f"Bearer {bearer}", "X-Eden-Experiment-Id": store.rpartition("/")[2]}
        return len((await http.get(f"{store}/variants", headers=headers)).json())


async def test_a_command_acts_as_its_worker_until_it_has_ended(house: House, tmp_path: Path) -> None:
    script = f"{SHOW}; {WAIT}; {EXECUTE}".replace("{folder}", str(tmp_path))
    experiment = await house.experiment("trusting", execution_command=script)
    secret = tmp_path / "secret"
    async with running(house.automation()):
        await house.until(lambda: _exists(secret))
        (job,) = (await house.store(experiment).list_experiment_jobs(is_open=True)).items
        bearer = f"{job.submitted_by}:{secret.read_text()}"
        assert await status_of(house, experiment.experiment_id, bearer) == (200, job.submitted_by)
        assert await variants_at((tmp_path / "store").read_text(), house, bearer) > 0
        assert _told_in_files(house.data / "attempts", secret.read_bytes()) == []
        (tmp_path / "go").touch()
        ended = await house.store(experiment).read_experiment_job(job.job_id, 30)
    assert ended.state == "succeeded"
    assert (await status_of(house, experiment.experiment_id, bearer))[0] == 401


async def _exists(path: Path) -> bool:
    return await asyncio.to_thread(path.exists)


def _told_in_files(root: Path, secret: bytes) -> list[str]:
    """The files below a folder that hold a secret."""
    paths = [Path(folder) / name for folder, _, names in os.walk(root) for name in names]
    return [str(path) for path in paths if path.is_file() and secret in path.read_bytes()]
