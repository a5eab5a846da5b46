"""The shapes of jobs and of ends that a day is made of."""

from collections.abc import Mapping
from typing import Any

from store_client.wire.jobs import ExitCause
from tests.scheduler.fake_engine import exited

WISHES: tuple[Mapping[str, Any], ...] = (
    {"cpus": 1}, {"gpus": 1}, {"cpus": 2}, {"gpus": 2}, {"gpus": 1, "cpus": 3}, {"gpus_where_present": 1},
    {"gpus": 1, "gpu_memory_bytes": 60 << 30}, {"cpus": 4}, {"gpus": 1, "gpu_share": 0.5},
    {"gpus": 1, "gpu_share": 0.25}, {"gpus": 1, "only_gpus": ("0",)},
)  # fmt: skip
POLICIES: tuple[Mapping[str, Any], ...] = (
    {}, {"max_attempts": 1}, {"max_attempts": 2, "on": ("lost", "failed", "timed_out", "out_of_memory")},
    {"max_attempts": 3, "on": ("lost", "failed"), "delay_seconds": 60},
)  # fmt: skip
ENDS = (
    exited(), exited(), exited(exit_code=3), exited("timed_out", None), exited("out_of_memory", None),
    exited("cancelled", None), exited("start_failed", None),
)  # fmt: skip
CAUSES: tuple[ExitCause, ...] = (
    "finished",
    "user_error",
    "timeout",
    "out_of_memory",
    "cancelled",
    "node_lost",
    "start_failed",
    "preempted",
)
AFTER = ("succeeded", "ended")
