"""Calls about experiments: the protocol's runtime object and our umbrella."""

from pydantic import Field

from store_client.wire.call import Call, PageQuery, Query, Who
from store_client.wire.experiments import (
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
    PolicyError,
    Status,
    Terminate,
)

P = "/v0/experiments/{experiment_id}"
A = "/api/experiments"
E = "/api/experiments/{experiment_id}"
MOST_IDS = 100


class ExperimentFilter(Query):
    status: Status | None = None
    slug: str | None = None
    ids: str | None = Field(default=None, max_length=20_000, description="only these experiments; commas between")

    @property
    def wanted_ids(self) -> tuple[str, ...] | None:
        return None if self.ids is None else tuple(self.ids.split(","))[:MOST_IDS]


class ExperimentPageQuery(PageQuery):
    status: Status | None = None
    q: str | None = Field(default=None, max_length=200, description="words of a name, slug or tag, or an id")
    needs: bool | None = Field(default=None, description="whether the caller is waited for")
    first_needing: int = Field(default=0, ge=0, le=50, description="so many that wait are told beside the page")
    archived: bool = Field(default=False, description="the archived ones alone; else those that are not")
    with_leases: bool = Field(default=False, description="tell who decides in each; no member of a few is told")


READ_EXPERIMENT = Call("read_experiment", "GET", P, Who.EITHER, "Read the runtime object", answer=Experiment)
READ_STATE = Call("read_state", "GET", P + "/state", Who.EITHER, "Read the state alone", answer=ExperimentState)
READ_DISPATCH_MODE = Call(
    "read_dispatch_mode", "GET", P + "/dispatch_mode", Who.EITHER, "Read the dispatch mode", answer=DispatchMode
)
UPDATE_DISPATCH_MODE = Call(
    "update_dispatch_mode", "PATCH", P + "/dispatch_mode", Who.ADMINS, "Change who decides",
    body=ChangeDispatchMode, answer=DispatchMode,
)  # fmt: skip
TERMINATE_EXPERIMENT = Call(
    "terminate_experiment", "POST", P + "/terminate", Who.ADMINS_OR_ORCHESTRATORS, "End the experiment",
    body=Terminate, answer=Experiment, is_safe_to_repeat=True,
)  # fmt: skip
EMIT_POLICY_ERROR = Call(
    "emit_policy_error", "POST", P + "/policy-errors", Who.ORCHESTRATORS, "Report a policy that failed",
    body=PolicyError, status=204,
)  # fmt: skip

CREATE_EXPERIMENT = Call(
    "create_experiment", "POST", A, Who.ADMIN_OR_ADMINS, "Create an experiment from a directory or a config",
    body=CreateExperiment, answer=ExperimentDetail, status=201,
)  # fmt: skip
LIST_EXPERIMENTS = Call(
    "list_experiment_summaries", "GET", A, Who.EITHER, "List experiments with their scores",
    query=ExperimentFilter, answer=tuple[ExperimentSummary, ...], is_for_members=True,
)  # fmt: skip
LIST_EXPERIMENT_PAGE = Call(
    "list_experiment_page", "GET", A + "/summaries", Who.EITHER, "Page through experiments and search them",
    query=ExperimentPageQuery, answer=ExperimentPage, is_for_members=True,
)  # fmt: skip
READ_EXPERIMENT_DETAIL = Call(
    "read_experiment_detail", "GET", E, Who.EITHER, "Read an experiment whole", answer=ExperimentDetail
)
PAUSE_EXPERIMENT = Call(
    "pause_experiment", "POST", E + "/pause", Who.ADMIN_OR_ADMINS, "Create and claim nothing new",
    answer=ExperimentSummary,
)  # fmt: skip
RESUME_EXPERIMENT = Call(
    "resume_experiment", "POST", E + "/resume", Who.ADMIN_OR_ADMINS, "Go on, or start a draft",
    answer=ExperimentSummary,
)  # fmt: skip
END_EXPERIMENT = Call(
    "end_experiment", "POST", E + "/end", Who.ADMIN_OR_ADMINS, "End as completed, failed or cancelled",
    body=EndExperiment, answer=ExperimentSummary,
)  # fmt: skip
UPDATE_AUTOMATION = Call(
    "update_automation", "PATCH", E + "/automation", Who.ADMIN_OR_ADMINS, "Switch roles between automatic and by hand",
    body=ChangeAutomation, answer=AutomationMode,
)  # fmt: skip
CHANGE_EXPERIMENT = Call(
    "change_experiment", "PATCH", E, Who.ADMIN_OR_ADMINS, "Change its name and what is told of it",
    body=ChangeExperiment, answer=ExperimentDetail,
)  # fmt: skip
ARCHIVE_EXPERIMENT = Call(
    "archive_experiment", "POST", E + "/archive", Who.ADMIN_OR_ADMINS, "Leave an ended experiment out of lists",
    answer=ExperimentSummary, is_safe_to_repeat=True,
)  # fmt: skip
UNARCHIVE_EXPERIMENT = Call(
    "unarchive_experiment", "POST", E + "/unarchive", Who.ADMIN_OR_ADMINS, "Have it in lists again",
    answer=ExperimentSummary, is_safe_to_repeat=True,
)  # fmt: skip

CALLS = (
    READ_EXPERIMENT, READ_STATE, READ_DISPATCH_MODE, UPDATE_DISPATCH_MODE, TERMINATE_EXPERIMENT, EMIT_POLICY_ERROR,
    CREATE_EXPERIMENT, LIST_EXPERIMENTS, LIST_EXPERIMENT_PAGE, READ_EXPERIMENT_DETAIL, PAUSE_EXPERIMENT,
    RESUME_EXPERIMENT, END_EXPERIMENT, UPDATE_AUTOMATION, CHANGE_EXPERIMENT, ARCHIVE_EXPERIMENT, UNARCHIVE_EXPERIMENT,
)  # fmt: skip
