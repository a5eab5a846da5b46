"""What goes wrong with workspaces."""


class WorkspaceError(Exception):
    """A workspace cannot be made, or its result not be taken; the message says why in a sentence for people."""
