"""GPUs of the deployment."""

from store_client.resources.resource import Resource
from store_client.wire.calls import gpus as calls
from store_client.wire.gpus import GpuHistory, GpuInfo, GpuList, KeepBack


class Gpus(Resource):
    """Calls about GPUs and the slices of them, each named by its UUID."""

    async def list_gpus(self, minutes: float | None = None) -> GpuList:
        """Every GPU, with the course of each over so many minutes if that is asked for."""
        answer: GpuList = await self._send(calls.LIST_GPUS, query=calls.GpusQuery(minutes=minutes))
        return answer

    async def read_gpu_history(self, uuid: str, minutes: float = 60, points: int = 240) -> GpuHistory:
        query = calls.HistoryQuery(minutes=minutes, points=points)
        answer: GpuHistory = await self._send(calls.READ_GPU_HISTORY, query=query, uuid=uuid)
        return answer

    async def quarantine_gpu(self, uuid: str, reason: str) -> GpuInfo:
        """Start nothing more on it until it is readmitted; what runs there goes on."""
        answer: GpuInfo = await self._send(calls.QUARANTINE_GPU, KeepBack(reason=reason), uuid=uuid)
        return answer

    async def drain_gpu(self, uuid: str, reason: str) -> GpuInfo:
        """Start nothing more on it, because it is to be free soon; what runs there goes on."""
        answer: GpuInfo = await self._send(calls.DRAIN_GPU, KeepBack(reason=reason), uuid=uuid)
        return answer

    async def readmit_gpu(self, uuid: str) -> GpuInfo:
        answer: GpuInfo = await self._send(calls.READMIT_GPU, uuid=uuid)
        return answer
