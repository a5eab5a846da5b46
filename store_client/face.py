"""Everything that the face of this package offers."""

from store_client import (
    accounts_face,
    filter_face,
    health_face,
    queue_face,
    registry_face,
    search_face,
    settings_face,
)
from store_client.accounts_face import *  # noqa: F403 - the list is in accounts_face.py, once
from store_client.blocking import Blocking, connect_blocking
from store_client.client import ControlPlaneClient, StoreClient
from store_client.creation import settle_idea, settle_task, settle_variant
from store_client.credentials import Bearer, ExchangedBearer, FileBearer, StaticBearer
from store_client.download import Download
from store_client.errors import (
    AlreadyExists,
    BadRequest,
    CheckpointInProgress,
    CheckpointInvalid,
    ConflictingResubmission,
    CycleDetected,
    ExperimentIdConflict,
    ExperimentIdMismatch,
    Forbidden,
    IllegalTransition,
    InvalidName,
    InvalidPrecondition,
    LeaseExpired,
    LeaseHeldByOther,
    LeaseInstanceMismatch,
    LeaseNotHeld,
    NoOpVariant,
    NotClaimed,
    NotFound,
    NotOffered,
    PayloadTooLarge,
    ProtocolBroken,
    Refused,
    ReservedIdentifier,
    SpecVersionMismatch,
    SwitchyardError,
    Unauthorized,
    Unavailable,
    Unreachable,
    UnsupportedCheckpointVersion,
    WorkerNotEligible,
    WorkerNotRegistered,
    WrongClaimant,
    from_problem,
)
from store_client.filter_face import *  # noqa: F403 - the list is in filter_face.py, once
from store_client.follow import Followed, follow
from store_client.health_face import *  # noqa: F403 - the list is in health_face.py, once
from store_client.imports import find_import, settle_import
from store_client.queue_face import *  # noqa: F403 - the list is in queue_face.py, once
from store_client.registry_face import *  # noqa: F403 - the list is in registry_face.py, once
from store_client.roles.headlines import headline
from store_client.roles.history import IdeaTexts, read_history, read_text
from store_client.roles.orders import KIND_OF, ROLE_OF, Assignment, evaluation_job, execution_job, ideation_job
from store_client.roles.outcomes import (
    Evaluated,
    EvaluationFailed,
    EvaluationOutcome,
    Executed,
    ExecutionFailed,
    ExecutionOutcome,
    IdeaDraft,
    IdeasProposed,
    IdeationFailed,
    IdeationOutcome,
    VariantFailed,
    read_evaluation,
    read_execution,
    read_ideation,
)
from store_client.search_face import *  # noqa: F403 - the list is in search_face.py, once
from store_client.settings_face import *  # noqa: F403 - the list is in settings_face.py, once
from store_client.settle import (
    Conflicting,
    Corrupt,
    Integration,
    Landed,
    Lost,
    Settled,
    Unknown,
    settle_claim,
    settle_integration,
    settle_submission,
)
from store_client.transport import Patience, Transport, Upload
from store_client.turns import settle_accept, settle_reclaim, settle_reject
from store_client.wire.artifacts import ArtifactInfo, ArtifactLine, ArtifactPage, Citation, DepositedArtifact
from store_client.wire.boards import Leaderboard
from store_client.wire.call import Call
from store_client.wire.calls import CALLS
from store_client.wire.calls.boards import LeaderboardQuery
from store_client.wire.calls.events import EventQuery
from store_client.wire.calls.experiments import ExperimentPageQuery
from store_client.wire.calls.tasks import TaskView
from store_client.wire.calls.workers import WorkerQuery
from store_client.wire.checkpoints import (
    CheckpointCounts,
    CheckpointFile,
    CheckpointList,
    CheckpointPaths,
    CheckpointReport,
    Exporter,
    ImportedCheckpoint,
    Manifest,
    SubmissionLine,
)
from store_client.wire.courses import Course, CoursePoint, Improvement, Sample, SampledVariant
from store_client.wire.decisions import Backlog, ToEvaluate, ToIntegrate
from store_client.wire.description import Described
from store_client.wire.drafts import Draft, DraftFile, KeptFile, SaveDraft, Work, WorkItem
from store_client.wire.events import Event, EventBatch, EventKind, EventKinds, EventsFound, LogEvent, LogPage
from store_client.wire.experiments import (
    DISPATCH_KEYS,
    ROLES,
    Automation,
    AutomationMode,
    ChangeAutomation,
    ChangeDispatchMode,
    Counts,
    CreateExperiment,
    Direction,
    DispatchMode,
    EndExperiment,
    Experiment,
    ExperimentDetail,
    ExperimentLine,
    ExperimentPage,
    ExperimentState,
    ExperimentSummary,
    ImportedFrom,
    Mode,
    Objective,
    PolicyError,
    ProgressPoint,
    Role,
    Status,
    Step,
    Terminate,
)
from store_client.wire.ideas import CreatedIdea, CreateIdea, Idea, IdeaDetail, IdeaPage, IdeaState
from store_client.wire.implementation import Implementation
from store_client.wire.leases import (
    AcquireLease,
    HoldLease,
    Lease,
    LeaseList,
    RegisterExperiment,
    RegistryEntry,
    RegistryEntryList,
)
from store_client.wire.objective import value_of as objective_value
from store_client.wire.openapi import openapi_document
from store_client.wire.record import Record
from store_client.wire.scalars import fault_of_name, format_time, normal_name, parse_time
from store_client.wire.stages import Stages, StageWork, StuckTask, UnmeasuredVariant
from store_client.wire.tasks import (
    KINDS,
    RESULTS,
    SUBJECT,
    Claim,
    ClaimTask,
    ClosedTarget,
    CreateTask,
    EvaluationResult,
    ExecutionResult,
    IdeationResult,
    ReassignTask,
    ReclaimCause,
    ReclaimTask,
    RejectReason,
    RejectTask,
    RenewClaim,
    SubmitTask,
    Target,
    Task,
    TaskDetail,
    TaskKind,
    TaskPage,
    TaskState,
)
from store_client.wire.variants import (
    CreateVariant,
    IntegrateVariant,
    Lineage,
    ParentVariant,
    Variant,
    VariantDetail,
    VariantPage,
    VariantStatus,
)
from store_client.wire.workers import (
    AddMember,
    EndSession,
    Exchange,
    Exchanged,
    GitPassword,
    Group,
    GroupList,
    OperatorRole,
    RegisteredWorker,
    RegisterGroup,
    RegisterWorker,
    Session,
    SignIn,
    SignInCode,
    Whoami,
    Worker,
    WorkerDetail,
    WorkerDetailList,
    WorkerList,
)

__all__ = [
    "CALLS", "DISPATCH_KEYS", "KINDS", "KIND_OF", "RESULTS", "ROLES", "ROLE_OF", "SUBJECT", "AcquireLease",
    "AddMember", "AlreadyExists", "ArtifactInfo", "ArtifactLine", "ArtifactPage", "Assignment", "Automation",
    "AutomationMode", "Backlog",
    "BadRequest", "Bearer", "Blocking", "Call", "ChangeAutomation", "ChangeDispatchMode", "CheckpointCounts",
    "CheckpointFile", "CheckpointInProgress", "CheckpointInvalid", "CheckpointList", "CheckpointPaths",
    "CheckpointReport", "Citation", "Claim",
    "ClaimTask", "ClosedTarget", "Conflicting", "ConflictingResubmission", "ControlPlaneClient", "Corrupt",
    "Counts", "Course", "CoursePoint", "CreateExperiment", "CreateIdea", "CreateTask", "CreateVariant",
    "CreatedIdea", "CycleDetected", "DepositedArtifact", "Described", "Direction", "DispatchMode", "Download",
    "Draft", "DraftFile", "EndExperiment", "EndSession", "Evaluated", "EvaluationFailed", "EvaluationOutcome",
    "EvaluationResult", "Event", "EventBatch", "EventKind", "EventKinds", "EventQuery", "EventsFound",
    "Exchange", "Exchanged", "ExchangedBearer", "Executed",
    "ExecutionFailed", "ExecutionOutcome", "ExecutionResult", "Experiment", "ExperimentDetail",
    "ExperimentIdConflict", "ExperimentIdMismatch", "ExperimentLine", "ExperimentPage", "ExperimentPageQuery",
    "ExperimentState", "ExperimentSummary", "Exporter", "FileBearer", "Followed", "Forbidden", "GitPassword",
    "Group", "GroupList", "HoldLease", "Idea", "IdeaDetail", "IdeaDraft", "IdeaPage", "IdeaState", "IdeaTexts",
    "IdeasProposed", "IdeationFailed", "IdeationOutcome", "IdeationResult", "IllegalTransition", "Implementation",
    "ImportedCheckpoint", "ImportedFrom", "Improvement", "IntegrateVariant", "Integration", "InvalidName",
    "InvalidPrecondition", "KeptFile", "Landed", "Leaderboard", "LeaderboardQuery", "Lease", "LeaseExpired",
    "LeaseHeldByOther", "LeaseInstanceMismatch", "LeaseList", "LeaseNotHeld", "Lineage", "LogEvent", "LogPage",
    "Lost", "Manifest", "Mode", "NoOpVariant", "NotClaimed", "NotFound", "NotOffered", "Objective", "OperatorRole",
    "ParentVariant", "Patience", "PayloadTooLarge", "PolicyError", "ProgressPoint", "ProtocolBroken",
    "ReassignTask", "ReclaimCause", "ReclaimTask", "Record", "Refused", "RegisterExperiment", "RegisterGroup",
    "RegisterWorker", "RegisteredWorker", "RegistryEntry", "RegistryEntryList", "RejectReason", "RejectTask",
    "RenewClaim", "ReservedIdentifier", "Role", "Sample", "SampledVariant", "SaveDraft", "Session", "Settled",
    "SignIn", "SignInCode", "SpecVersionMismatch", "StageWork", "Stages", "StaticBearer", "Status", "Step",
    "StoreClient", "StuckTask", "SubmissionLine", "SubmitTask", "SwitchyardError", "Target", "Task", "TaskDetail",
    "TaskKind", "TaskPage", "TaskState", "TaskView", "Terminate", "ToEvaluate", "ToIntegrate", "Transport",
    "Unauthorized", "Unavailable", "Unknown", "UnmeasuredVariant", "Unreachable", "UnsupportedCheckpointVersion",
    "Upload",
    "Variant", "VariantDetail", "VariantFailed", "VariantPage", "VariantStatus", "Whoami", "Work", "WorkItem",
    "Worker", "WorkerDetail", "WorkerDetailList", "WorkerList", "WorkerNotEligible", "WorkerNotRegistered",
    "WorkerQuery",
    "WrongClaimant", "connect_blocking", "evaluation_job", "execution_job", "fault_of_name", "find_import",
    "follow", "format_time", "from_problem", "headline", "ideation_job", "normal_name", "objective_value",
    "openapi_document", "parse_time", "read_evaluation", "read_execution", "read_history", "read_ideation",
    "read_text", "settle_accept", "settle_claim", "settle_idea", "settle_import", "settle_integration",
    "settle_reclaim", "settle_reject", "settle_submission", "settle_task", "settle_variant",
]  # fmt: skip
__all__ += queue_face.__all__ + accounts_face.__all__ + search_face.__all__ + health_face.__all__
__all__ += settings_face.__all__
__all__ += registry_face.__all__ + filter_face.__all__
