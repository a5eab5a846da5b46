"""One attempt without a scheduler: `python -m control_plane.scheduler.alone`, for a worker host that has no queue.

It reads a request from standard input, a JSON object, and writes the ended job, a `JobDetail`, to standard output:

    root        a folder for this job alone           job     job_id, experiment_id, commit_sha, base_commit_sha,
    repository  the bare repository to work from              submitted_by, created_at
    spec        what to run, a `SubmitJob`            slots   the GPUs that the command gets

It is the local engine with one job, so all that holds for an attempt on the queue holds here: workspace, environment,
limits, the end of every descendant. SIGTERM stops the attempt, SIGUSR1 has it give way. The attempt outlives this
process; the next one that is asked for the same job in the same folder goes on with it, or tells again how it ended.
"""

import json
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from sqlalchemy import RowMapping

from control_plane.scheduler.engines.engine import Placed
from control_plane.scheduler.engines.local import LocalEngine
from control_plane.scheduler.operations.attempts import Ending
from control_plane.scheduler.operations.records import spec_of
from control_plane.scheduler.rules.board import Grant
from control_plane.scheduler.rules.states import attempt_ended
from control_plane.scheduler.shim import records
from control_plane.scheduler.workspace import MachineFault, WorkspaceError
from store_client.wire.jobs import Attempt, JobDetail, JobState

RESULT = "result.json"
LOG = "log"
PAUSE_SECONDS = 0.2
WAIT_SECONDS = 30.0


@dataclass(frozen=True)
class Only:
    """The one repository there is."""

    repository: Path

    def path(self, _experiment_id: str, /) -> Path:
        return self.repository


class Alone:
    """One job in one folder."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        self._root = Path(request["root"])
        repository = Only(Path(request["repository"]))
        self._engine = LocalEngine(self._root, repository, cgroups=None)  # a batch system tracks ours by its own group
        self._slots = tuple(request["slots"])
        self._given = {"number": 0, **request["job"], "spec": request["spec"]}
        before = int(self._given.get("attempt", 1)) - 1
        self._number = max((int(each.name) for each in self._folder.glob("*") if each.name.isdecimal()), default=before)

    @property
    def _folder(self) -> Path:
        return self._root / str(self._given["job_id"])

    @property
    def _job(self) -> RowMapping:
        return cast("RowMapping", {**self._given, "attempt": self._number})

    def stop(self, number: int, *_: object) -> None:
        """End the attempt, or have it give way; whoever waits for it is told."""
        if self._number:
            self._engine.cancel(self._job, "preempt" if number == signal.SIGUSR1 else "cancel")
        else:
            sys.exit(1)

    def run(self) -> JobDetail:
        """The ended job: told again, gone on with, or begun now."""
        while not self._engine.take():  # a process before this one still waits for it
            time.sleep(PAUSE_SECONDS)
        told = records.read_json(self._root / RESULT)
        if told is not None:
            return JobDetail.model_validate(told)
        try:
            ending = self._ending() or self._begun_anew()
        except MachineFault as error:  # also of a commit that was made: it is run anew where there is room
            ending = Ending("node_lost", detail=f"the machine could not run it: {error}")
        except WorkspaceError as error:
            ending = Ending("start_failed", detail=str(error))
        job = self._detail(ending)
        if job.state is not JobState.CANCELLED:
            records.write_json(self._root / RESULT, job.to_wire(), is_durable=True)
        self._engine.tidy(self._job)
        return job

    def _begun_anew(self) -> Ending:
        if self._number:
            self._engine.clear(self._job)
        self._number += 1
        self._engine.submit(Placed(self._job, tuple(map(Grant, self._slots))))
        return self._ending(is_ours=True) or Ending("node_lost", detail="its process was killed from outside")

    def _ending(self, *, is_ours: bool = False) -> Ending | None:
        """How the attempt ended, once it has; None for one that left no word, or was stopped with its host."""
        if not self._number:
            return None
        while (status := self._engine.status(self._job)) is True:
            self._engine.wait_for_all(WAIT_SECONDS)
        if not status or (status.cause == "cancelled" and not is_ours):
            return None
        return self._engine.bring_back(self._job, status)

    def _detail(self, ending: Ending) -> JobDetail:
        spec, result = spec_of(self._job), ending.result
        state = attempt_ended(JobState.RUNNING, ending.cause)
        ended = {"state": state, "exit_code": ending.exit_code, "cause": ending.cause}
        log = self._engine.of(self._job) / LOG
        return JobDetail.model_validate(
            {
                **spec.model_dump(),
                **self._given,
                **ended,
                **result,
                "attempt": self._number,
                "attempts": [Attempt(number=self._number, detail=ending.detail, **ended)],
                "log_bytes": log.stat().st_size if log.exists() else 0,
            }
        )


def main() -> None:
    alone = Alone(json.load(sys.stdin))
    signal.signal(signal.SIGTERM, alone.stop)
    signal.signal(signal.SIGUSR1, alone.stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdout.write(json.dumps(alone.run().to_wire()))


if __name__ == "__main__":
    main()
