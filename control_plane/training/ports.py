"""What trainings ask of other wings, wired in app.py."""

from collections.abc import Sequence
from typing import Protocol

from control_plane.db.transaction import Tx
from store_client.wire.gpus import GpuInfo
from store_client.wire.jobs import JobDetail, SubmitJob


class Queue(Protocol):
    """The one queue."""

    def submit(self, tx: Tx, body: SubmitJob) -> JobDetail: ...

    def read(self, tx: Tx, job_id: str) -> JobDetail: ...

    def cancel(self, tx: Tx, job_id: str) -> JobDetail: ...

    def gpus(self, tx: Tx) -> Sequence[GpuInfo]:
        """The GPUs as the scheduler last saw them."""
        ...


class Entrance(Protocol):
    """The registry's exchange."""

    def __call__(self, tx: Tx, deployment_worker_id: str, experiment_id: str) -> str:
        """The worker that a worker of the deployment is in an experiment, made on first use."""
        ...
