"""The whole schema: the shared tables and those of every wing."""

from control_plane.db.tables import metadata

__all__ = ["metadata"]
