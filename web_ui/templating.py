"""What every page carries, and how a page becomes HTML.

A page is a frozen dataclass with a `template` class variable and a `frame` field. Its template sees the page under the
one name `page`, plus two globals: `url_for(route name, **path parameters)` and `static(path)`; times are told relative
to `page.frame.now`. The layout links to the routes named `home`, `queue` and `signout`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, Protocol

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from web_ui.filters import FILTERS, Moment
from web_ui.static_files import checksum
from web_ui.statuses import shape, words


@dataclass(frozen=True)
class Operator:
    """The person who is signed in; `role` is a word people read ("admin", "operator")."""

    name: str
    initials: str
    role: str
    account_href: str | None = None


@dataclass(frozen=True)
class Active:
    """The experiment of this page; `telling` is its one figure ("best 0.9811")."""

    slug: str
    name: str
    status: str
    telling: str


@dataclass(frozen=True)
class SwitcherEntry:
    """One experiment in the switcher. With `select_href` the entry posts there, else it links to `href`."""

    slug: str
    name: str
    status: str
    telling: str
    needs_you: int
    href: str
    select_href: str | None = None


@dataclass(frozen=True)
class Tab:
    """A tab under the top bar; a hot count waits for a person."""

    label: str
    href: str
    count: int | None = None
    is_hot: bool = False
    is_current: bool = False


@dataclass(frozen=True)
class Fleet:
    """How busy the slots of the deployment are."""

    busy: int
    total: int
    unit: Literal["GPUs", "CPU slots"]
    waiting: int


@dataclass(frozen=True)
class Live:
    """The event stream that tells this page to look again, and the position the page was drawn at."""

    url: str
    cursor: int
    of: str = ""
    """The experiment that the page is about; empty for pages of the whole deployment."""


@dataclass(frozen=True)
class SearchBox:
    """The box in the top bar; it looks inside one experiment where `within` names it by its slug."""

    href: str
    within: str = ""
    label: str = "Search everywhere"


@dataclass(frozen=True)
class Flash:
    """A message about the act that led here, shown once."""

    kind: Literal["done", "notice", "failed"]
    text: str


@dataclass(frozen=True)
class Frame:
    """What surrounds every page: who, where, which tabs, how busy, how live."""

    title: str
    now: Moment
    request_id: str
    operator: Operator | None = None
    active: Active | None = None
    switcher: tuple[SwitcherEntry, ...] = ()
    switcher_is_cut: bool = False
    """Whether there are more experiments than the switcher lists; its search finds all of them."""
    kind: str = ""
    """The route of this kind of page, which whoever goes to another experiment stays on."""
    tabs: tuple[Tab, ...] = ()
    subtabs: tuple[Tab, ...] = ()
    """The second row, where the current tab has several pages."""
    fleet: Fleet | None = None
    live: Live | None = None
    needs: int = 0
    """How many tasks wait for a person where this page looks: its title and its icon say so."""
    flashes: tuple[Flash, ...] = ()
    search: SearchBox | None = None
    theme: Literal["light", "dark"] | None = None


class Page(Protocol):
    """Anything that can be rendered."""

    template: ClassVar[str]

    @property
    def frame(self) -> Frame: ...


class Templates:
    """The environment of all templates of one process."""

    def __init__(self, templates: Path, static: Path, url_for: Callable[..., object]) -> None:
        self.environment = Environment(
            loader=FileSystemLoader(templates),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,  # they do not change while they are served, as little as what they are styled with
        )
        self.environment.filters.update({**FILTERS, "shape": shape, "words": words})
        version = checksum(static)
        self.environment.globals["url_for"] = url_for
        self.environment.globals["static"] = lambda path: f"/static/{version}/{path}"

    def text(self, page: Page) -> str:
        """The HTML of a page."""
        return self.environment.get_template(page.template).render(page=page)

    def render(self, page: Page, status_code: int = 200) -> HTMLResponse:
        """The answer that shows a page."""
        return HTMLResponse(self.text(page), status_code)
