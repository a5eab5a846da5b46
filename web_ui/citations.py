"""What a file belongs to, as the pages of files name it."""

from dataclasses import dataclass

from store_client import Citation
from web_ui.active import Here
from web_ui.filters import short_id

NOTHING = "nothing names it"


@dataclass(frozen=True)
class Owner:
    """An idea, a variant or a task by its name; without an address while nothing names the file."""

    name: str = NOTHING
    kind: str = ""
    href: str | None = None


def owner_of(here: Here, cited: Citation | None) -> Owner:
    """Whose a file is."""
    if cited is None:
        return Owner()
    name = "New ideas" if cited.task_kind == "ideation" else cited.title or short_id(cited.id)
    kind = f"{cited.task_kind} task" if cited.task_kind else cited.kind
    return Owner(name, kind, here.url(cited.kind, **{cited.kind: cited.id}))
