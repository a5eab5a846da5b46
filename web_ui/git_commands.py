"""What to type to work on a task with stock git."""

from collections.abc import Sequence
from urllib.parse import urlsplit, urlunsplit

from store_client import ExperimentDetail
from web_ui.active import Here

SHORT = 12


def clone_url(here: Here, detail: ExperimentDetail, username: str | None = None) -> str:
    """The address of the experiment's repository, empty where none is known; a name in it leaves only the password."""
    settings = here.visit.console.settings
    if settings.own is not None:
        return (settings.own.repository or "").replace("{experiment_id}", here.experiment_id)
    path = f"/git/{detail.slug}.git"
    public = detail.git_url if detail.git_url and "://" in detail.git_url else settings.store_url + path
    parts = urlsplit(public)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{username}@{host}" if username else host))


def to_execute(url: str, directory: str, branch: str, parents: Sequence[str]) -> str:
    """Clone, begin at the parents, push what was made."""
    first, *rest = [sha[:SHORT] for sha in parents]
    lines = [f"git clone {url} {directory} && cd {directory}", f"git switch -c {branch} {first}"]
    lines += [f"git merge {sha}" for sha in rest]
    return "\n".join([*lines, "# edit, then", 'git commit -am "what you changed"', "git push -u origin HEAD"])


def to_look_at(url: str, directory: str, commit: str) -> str:
    """Clone, and check out exactly one commit."""
    return f"git clone {url} {directory} && cd {directory}\ngit switch --detach {commit}"
