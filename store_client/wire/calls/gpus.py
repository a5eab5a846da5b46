"""Calls about GPUs."""

from pydantic import Field

from store_client.wire.call import Call, Query, Who
from store_client.wire.gpus import GpuHistory, GpuInfo, GpuList, KeepBack

G = "/api/scheduler/gpus"


class HistoryQuery(Query):
    minutes: float = Field(default=60, gt=0, le=24 * 60, description="how far back; a day at most is kept")
    points: int = Field(default=240, ge=2, le=2000, description="so many samples at most; more are put together")


class GpusQuery(Query):
    minutes: float | None = Field(
        default=None,
        gt=0,
        le=24 * 60,
        description="with the course of each so far back: a point a minute, or two of every ten",
    )


LIST_GPUS = Call(
    "list_gpus", "GET", G, Who.EITHER, "Every GPU: readings, state, who is on it", query=GpusQuery, answer=GpuList
)
READ_GPU_HISTORY = Call(
    "read_gpu_history", "GET", G + "/{uuid}/history", Who.EITHER, "What a GPU or a slice read over time",
    query=HistoryQuery, answer=GpuHistory,
)  # fmt: skip
QUARANTINE_GPU = Call(
    "quarantine_gpu", "POST", G + "/{uuid}/quarantine", Who.ADMIN_OR_ADMINS,
    "Give a GPU or a slice to no new job until it is readmitted", body=KeepBack, answer=GpuInfo,
    is_safe_to_repeat=True,
)  # fmt: skip
DRAIN_GPU = Call(
    "drain_gpu", "POST", G + "/{uuid}/drain", Who.ADMIN_OR_ADMINS,
    "Let what runs on a GPU or a slice end there and start nothing more", body=KeepBack, answer=GpuInfo,
    is_safe_to_repeat=True,
)  # fmt: skip
READMIT_GPU = Call(
    "readmit_gpu", "POST", G + "/{uuid}/readmit", Who.ADMIN_OR_ADMINS, "Give a GPU or a slice out again",
    answer=GpuInfo, is_safe_to_repeat=True,
)  # fmt: skip

CALLS = (LIST_GPUS, READ_GPU_HISTORY, QUARANTINE_GPU, DRAIN_GPU, READMIT_GPU)
