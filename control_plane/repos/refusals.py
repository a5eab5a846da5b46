"""What a repository can answer instead of doing as asked; the edge knows each by the error it also is.

RepositoryError
├── GitFailed                503  git itself failed; nothing is known beyond its message
│   └── GitTimedOut               and took longer than it may
└── RepositoryRefused             nothing was changed, and the text says why
    ├── RepositoryMissing    404
    ├── MalformedName        400  an id, a commit or a branch that cannot be one
    ├── SeedRefused          400  a directory that cannot become a repository
    ├── CommitMissing        409
    ├── VariantIneligible    409
    │   ├── ParentsNotAncestors
    │   └── ManifestPresent
    └── RefConflict          409  the branch is not what the caller took it to be
"""

from store_client.errors import BadRequest, InvalidPrecondition, NotFound, SwitchyardError, Unavailable, kinds


class RepositoryError(SwitchyardError):
    """The root of everything this wing raises."""


class GitFailed(RepositoryError, Unavailable):
    def __init__(self, command: str, message: str) -> None:
        super().__init__(f"git {command}: {message}")


class GitTimedOut(GitFailed):
    def __init__(self, command: str, seconds: float) -> None:
        super().__init__(command, f"ended after {seconds:g} s")


class RepositoryRefused(RepositoryError):
    """Nothing was changed."""

    @classmethod
    def type(cls) -> str:
        """The problem type of the wire error that this is."""
        return next(kind for kind in kinds().values() if issubclass(cls, kind)).type()


class RepositoryMissing(RepositoryRefused, NotFound):
    def __init__(self, experiment_id: str) -> None:
        super().__init__(f"experiment {experiment_id} has no repository")


class MalformedName(RepositoryRefused, BadRequest):
    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"{text[:100]!r} is not a {kind}")


class SeedRefused(RepositoryRefused, BadRequest):
    """`path` is the file that stands in the way, relative to the directory; empty for the directory itself."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}" if path else reason)
        self.path, self.reason = path, reason


class CommitMissing(RepositoryRefused, InvalidPrecondition):
    def __init__(self, commit: str) -> None:
        super().__init__(f"commit {commit} is not in the repository")
        self.commit = commit


class VariantIneligible(RepositoryRefused, InvalidPrecondition):
    """The variant cannot be integrated as it is."""


class ParentsNotAncestors(VariantIneligible):
    def __init__(self, commit: str, parents: tuple[str, ...]) -> None:
        super().__init__(f"{commit} does not descend from {', '.join(parents)}")
        self.parents = parents


class ManifestPresent(VariantIneligible):
    def __init__(self, path: str) -> None:
        super().__init__(f"the variant's own tree already holds {path}")
        self.path = path


class RefConflict(RepositoryRefused, InvalidPrecondition):
    """`found` is what the branch points at; None when it does not exist."""

    def __init__(self, ref: str, found: str | None) -> None:
        super().__init__(f"{ref} points at {found or 'nothing'}")
        self.ref, self.found = ref, found
