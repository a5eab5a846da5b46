"""The whole schema: the shared tables and those of every wing."""

from control_plane.db.tables import metadata
from control_plane.registry import tables as _registry  # noqa: F401 - its tables join the metadata
from control_plane.scheduler import breaker_tables as _breaker  # noqa: F401 - its tables join the metadata
from control_plane.scheduler import duration_tables as _durations  # noqa: F401 - its tables join the metadata
from control_plane.scheduler import fleet_tables as _fleet  # noqa: F401 - its tables join the metadata
from control_plane.scheduler import policy_tables as _policy  # noqa: F401 - its tables join the metadata
from control_plane.scheduler import tables as _scheduler  # noqa: F401 - its tables join the metadata
from control_plane.search import tables as _search  # noqa: F401 - its tables join the metadata
from control_plane.task_store import bulk_tables as _bulk  # noqa: F401 - its tables join the metadata
from control_plane.task_store import draft_tables as _drafts  # noqa: F401 - its tables join the metadata
from control_plane.task_store import pace_tables as _paces  # noqa: F401 - its tables join the metadata
from control_plane.task_store import score_tables as _scores  # noqa: F401 - its tables join the metadata
from control_plane.task_store import tables as _task_store  # noqa: F401 - its tables join the metadata
from control_plane.training import tables as _training  # noqa: F401 - its tables join the metadata
from control_plane.views import tables as _views  # noqa: F401 - its tables join the metadata

__all__ = ["metadata"]
