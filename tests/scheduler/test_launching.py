"""A launch that the database interrupts is no fault of its job."""

from collections.abc import Mapping

import pytest
from sqlalchemy import RowMapping

from control_plane.scheduler.engines.local import no_secrets
from store_client.errors import Unavailable
from store_client.wire.jobs import JobState
from tests.scheduler.queue_house import Yard


def test_a_job_whose_launch_finds_no_database_is_started_later(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def secrets(job: RowMapping) -> Mapping[str, str]:
        asked.append(job["attempt"])
        if len(asked) == 1:
            raise Unavailable("the database does not answer")
        return no_secrets(job)

    monkeypatch.setattr(yard.engine, "secrets", secrets)
    job = yard.end(yard.submit("/bin/true", retry={"max_attempts": 1}))
    assert job.state is JobState.SUCCEEDED
    assert (job.attempts[0].cause, job.attempts[0].state) == ("preempted", JobState.PREEMPTED)
    assert asked == [1, 2]
