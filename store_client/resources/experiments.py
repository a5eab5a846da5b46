"""Experiments: one, and all of a deployment."""

from collections.abc import Iterable
from typing import Literal

from store_client.resources.resource import Resource
from store_client.wire.calls import experiments as calls
from store_client.wire.experiments import (
    Automation,
    AutomationMode,
    ChangeAutomation,
    ChangeDispatchMode,
    ChangeExperiment,
    CreateExperiment,
    DispatchMode,
    EndExperiment,
    Experiment,
    ExperimentDetail,
    ExperimentPage,
    ExperimentState,
    ExperimentSummary,
    Mode,
    PolicyError,
    Role,
    Status,
    Terminate,
)


class OneExperiment(Resource):
    """Calls about the experiment itself."""

    async def read_experiment(self) -> Experiment:
        answer: Experiment = await self._send(calls.READ_EXPERIMENT)
        return answer

    async def read_state(self) -> ExperimentState:
        answer: ExperimentState = await self._send(calls.READ_STATE)
        return answer

    async def read_dispatch_mode(self) -> DispatchMode:
        answer: DispatchMode = await self._send(calls.READ_DISPATCH_MODE)
        return answer

    async def update_dispatch_mode(self, **decisions: Mode) -> DispatchMode:
        """Change who takes the named decisions."""
        answer: DispatchMode = await self._send(
            calls.UPDATE_DISPATCH_MODE, ChangeDispatchMode.model_validate(decisions)
        )
        return answer

    async def terminate_experiment(self, reason: str) -> Experiment:
        answer: Experiment = await self._send(calls.TERMINATE_EXPERIMENT, Terminate(reason=reason))
        return answer

    async def emit_policy_error(self, body: PolicyError) -> None:
        await self._send(calls.EMIT_POLICY_ERROR, body)

    async def read_experiment_detail(self) -> ExperimentDetail:
        answer: ExperimentDetail = await self._send(calls.READ_EXPERIMENT_DETAIL)
        return answer

    async def pause_experiment(self) -> ExperimentSummary:
        answer: ExperimentSummary = await self._send(calls.PAUSE_EXPERIMENT)
        return answer

    async def resume_experiment(self) -> ExperimentSummary:
        answer: ExperimentSummary = await self._send(calls.RESUME_EXPERIMENT)
        return answer

    async def end_experiment(
        self, outcome: Literal["completed", "failed", "cancelled"] = "completed", reason: str = ""
    ) -> ExperimentSummary:
        answer: ExperimentSummary = await self._send(
            calls.END_EXPERIMENT, EndExperiment(outcome=outcome, reason=reason)
        )
        return answer

    async def update_automation(self, changes: dict[Role, Automation]) -> AutomationMode:
        """Switch the named roles between automatic and by hand."""
        answer: AutomationMode = await self._send(calls.UPDATE_AUTOMATION, ChangeAutomation.model_validate(changes))
        return answer

    async def change_experiment(self, body: ChangeExperiment) -> ExperimentDetail:
        answer: ExperimentDetail = await self._send(calls.CHANGE_EXPERIMENT, body)
        return answer

    async def archive_experiment(self) -> ExperimentSummary:
        """Leave it out of lists; it has to have ended."""
        answer: ExperimentSummary = await self._send(calls.ARCHIVE_EXPERIMENT)
        return answer

    async def unarchive_experiment(self) -> ExperimentSummary:
        answer: ExperimentSummary = await self._send(calls.UNARCHIVE_EXPERIMENT)
        return answer


class Experiments(Resource):
    """Calls about all experiments of a deployment."""

    async def create_experiment(self, body: CreateExperiment) -> ExperimentDetail:
        answer: ExperimentDetail = await self._send(calls.CREATE_EXPERIMENT, body)
        return answer

    async def list_experiment_summaries(
        self, status: Status | None = None, slug: str | None = None, *, ids: Iterable[str] | None = None
    ) -> tuple[ExperimentSummary, ...]:
        """All of them, those in a status or with a slug; with `ids` only these, a hundred at most."""
        named = None if ids is None else ",".join(ids)
        query = calls.ExperimentFilter(status=status, slug=slug, ids=named)
        answer: tuple[ExperimentSummary, ...] = await self._send(calls.LIST_EXPERIMENTS, query=query)
        return answer

    async def list_experiment_page(
        self, query: calls.ExperimentPageQuery | None = None, after: str | None = None
    ) -> ExperimentPage:
        """Experiments that these filters admit, from a place on."""
        wanted = query or calls.ExperimentPageQuery()
        answer: ExperimentPage = await self._send(
            calls.LIST_EXPERIMENT_PAGE, query=wanted.having(after=after) if after else wanted
        )
        return answer
