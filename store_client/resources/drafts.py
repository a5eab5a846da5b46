"""Drafts of one's own, and what one has at hand."""

from collections.abc import Iterable, Mapping

from store_client.resources.resource import Resource
from store_client.wire.calls import drafts as calls
from store_client.wire.drafts import Draft, KeptFile, SaveDraft, Work


class Drafts(Resource):
    """Calls about the caller's drafts in one experiment."""

    async def read_draft(self, task_id: str) -> Draft:
        """NotFound when there is none."""
        answer: Draft = await self._send(calls.READ_DRAFT, task_id=task_id)
        return answer

    async def save_draft(
        self, task_id: str, fields: Mapping[str, str], files: Iterable[KeptFile] = (), *, version: int = 0
    ) -> Draft:
        """Save over the version it was made from; InvalidPrecondition when another one has been saved since."""
        body = SaveDraft(version=version, fields=dict(fields), files=tuple(files))
        answer: Draft = await self._send(calls.SAVE_DRAFT, body, task_id=task_id)
        return answer

    async def forget_draft(self, task_id: str) -> None:
        await self._send(calls.FORGET_DRAFT, task_id=task_id)

    async def read_work(self) -> Work:
        """The tasks of this experiment that the caller holds or has drafts for."""
        answer: Work = await self._send(calls.READ_WORK)
        return answer


class DeploymentWork(Resource):
    """What the caller has at hand everywhere."""

    async def read_deployment_work(self) -> Work:
        """The same in every experiment that the caller has an identity in."""
        answer: Work = await self._send(calls.READ_DEPLOYMENT_WORK)
        return answer
