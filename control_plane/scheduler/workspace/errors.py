"""What goes wrong with workspaces."""


class WorkspaceError(Exception):
    """A workspace cannot be made, or its result not be taken; the message says why in a sentence for people."""


class MachineFault(WorkspaceError):
    """The same, when the job could do nothing about it: the machine has no room left, or cannot be written to."""
