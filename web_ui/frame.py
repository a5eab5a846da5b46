"""The frame around a page: switcher, tabs, fleet and messages, from the same two calls on every page."""

from collections.abc import Callable
from dataclasses import replace

from store_client import ExperimentSummary, Fleet
from web_ui.active import Here
from web_ui.filters import figure
from web_ui.offers import BEYOND
from web_ui.scores import is_untold
from web_ui.templating import Active, Flash, Frame, Live, Operator, SearchBox, SwitcherEntry, Tab
from web_ui.templating import Fleet as FleetLine
from web_ui.visit import Visit

EXPERIMENT_TABS = (
    ("Overview", "overview", None),
    ("Ideator", "ideator", "ideation"),
    ("Executor", "executor", "execution"),
    ("Evaluator", "evaluator", "evaluation"),
    ("Lineage", "lineage", None),
    ("Ideas", "ideas", None),
    ("Variants", "variants", None),
    ("Tasks", "tasks", None),
    ("Jobs", "experiment_jobs", None),
    ("Events", "events", None),
    ("Admin", "workers", None),
)
ADMIN_TABS = (
    ("Workers", "workers"),
    ("Groups", "groups"),
    ("Dispatch", "dispatch"),
    ("Settings", "settings"),
    ("Checkpoints", "checkpoints"),
    ("Branches", "refs"),
    ("Files", "files"),
)
"""The pages behind an experiment's last tab."""
DEPLOYMENT_TABS = (
    ("Home", "home"),
    ("My work", "all_work"),
    ("Queue", "queue"),
    ("GPUs", "gpus"),
    ("Events", "all_events"),
)
DEPLOYMENT_ADMIN_TABS: tuple[tuple[str, str], ...] = (
    ("Experiments", "experiments"),
    ("Operators", "operators"),
    ("Workers", "deployment_workers"),
    ("Groups", "deployment_groups"),
    ("Leases", "leases"),
    ("Health", "health_page"),
)
"""The pages behind the deployment's last tab, which its administrators alone have."""
OF_DEPLOYMENT = frozenset({"queue", "gpus", "all_events", "experiment_jobs"})
"""What is not there for whoever sees only some experiments."""
SWITCHER = 12
"""So many experiments stand in the switcher of every page."""
ROLE_OF = {"ideation": "ideator", "execution": "executor", "evaluation": "evaluator"}


def telling(experiment: ExperimentSummary) -> str:
    """The one figure that tells how an experiment does."""
    if is_untold(experiment):
        return f"{experiment.counts.variants} variants" if experiment.counts.variants else ""
    if experiment.best is not None:
        return f"best {figure(experiment.best)}"
    return f"{experiment.counts.variants} variants" if experiment.counts.variants else "nothing scored yet"


def needs(visit: Visit, experiment: ExperimentSummary) -> int:
    """How many pending tasks wait for a person, where this person may take them: those of the roles done by hand."""
    if experiment.status != "running" or not (visit.offers.is_ours and visit.may_act_in(experiment.experiment_id)):
        return 0
    pending = ((role, experiment.counts.tasks.get(f"{kind}.pending", 0)) for kind, role in ROLE_OF.items())
    return sum(count for role, count in pending if getattr(experiment.automation, role) == "manual")


def _needs(visit: Visit, experiments: tuple[ExperimentSummary, ...]) -> int:
    """How many tasks of these experiments wait for this person or another."""
    return sum(needs(visit, one) for one in experiments)


def experiment_frame(here: Here, title: str, current: str, fleet: Fleet | None = None) -> Frame:
    """The frame of a page inside an experiment; `current` is the route name of its tab."""
    one = here.experiment
    return replace(
        _frame(_now_at(here), here.all, title, current, fleet),
        active=Active(one.slug, one.name, str(one.status), telling(one)),
        search=_search(here.visit, one),
        tabs=tuple(
            _tab(here, label, route, kind, _chief(current, ADMIN_TABS))
            for label, route, kind in EXPERIMENT_TABS
            if _has(here.visit, route)
        ),
        subtabs=_subtabs(here.visit, ADMIN_TABS, current, here.url),
        live=_live(here.visit, here.drawn_at, here.experiment_id),
        needs=_needs(here.visit, (one,)),
    )


def deployment_frame(
    visit: Visit, experiments: tuple[ExperimentSummary, ...], title: str, current: str, fleet: Fleet | None = None
) -> Frame:
    """The frame of a page of the whole deployment."""
    waiting = fleet.summary.waiting if fleet is not None else None
    chief = _chief(current, DEPLOYMENT_ADMIN_TABS)
    tabs = (
        Tab(label, visit.url(route), waiting if route == "queue" else None, is_current=route == chief)
        for label, route in (*DEPLOYMENT_TABS, *(("Admin", route) for _, route in DEPLOYMENT_ADMIN_TABS[:1]))
        if _has(visit, route)
    )
    frame = _frame(visit, experiments, title, current, fleet)
    subtabs = _subtabs(visit, DEPLOYMENT_ADMIN_TABS, current, visit.url)
    live, waiting_for_people = _live(visit, visit.drawn_at), _needs(visit, experiments)
    return replace(frame, tabs=tuple(tabs), subtabs=subtabs, live=live, needs=waiting_for_people)


def bare_frame(title: str, visit: Visit, experiments: tuple[ExperimentSummary, ...] = ()) -> Frame:
    """The frame of a page that asks nothing; `experiments` are those that are known already."""
    return _frame(visit, experiments, title, "", None)


def _chief(current: str, behind: tuple[tuple[str, str], ...]) -> str:
    """The route of the tab that a page stands behind: its own, or that of the first page of its row."""
    return behind[0][1] if any(route == current for _, route in behind) else current


def _subtabs(
    visit: Visit, behind: tuple[tuple[str, str], ...], current: str, url: Callable[[str], str]
) -> tuple[Tab, ...]:
    """The second row of tabs, on the pages that have one."""
    if all(route != current for _, route in behind):
        return ()
    return tuple(Tab(label, url(route), is_current=route == current) for label, route in behind if _has(visit, route))


def _has(visit: Visit, route: str) -> bool:
    """Whether the server behind this console offers what a tab leads to, to this person."""
    if any(route == behind for _, behind in DEPLOYMENT_ADMIN_TABS):
        return visit.manages_deployment
    return (visit.offers.is_ours or route not in BEYOND) and (visit.sees_deployment or route not in OF_DEPLOYMENT)


def _live(visit: Visit, drawn_at: int, of: str = "") -> Live | None:
    """The stream of a page that can be asked for again; the answer to an act cannot."""
    return Live(visit.url("live"), drawn_at, of) if visit.request.method == "GET" else None


def _tab(here: Here, label: str, route: str, kind: str | None, current: str) -> Tab:
    one, counts, pending = here.experiment, here.experiment.counts, None
    is_by_hand = False
    if kind is not None:
        pending = 0 if one.status.is_final else counts.tasks.get(f"{kind}.pending", 0)
        is_by_hand = one.status == "running" and getattr(one.automation, ROLE_OF[kind]) == "manual"
        is_by_hand = is_by_hand and here.visit.offers.is_ours
    total = {"variants": counts.variants, "ideas": counts.ideas}.get(route, pending)
    return Tab(label, here.url(route), total, is_hot=is_by_hand, is_current=route == current)


def _now_at(here: Here) -> Visit:
    """A visit of which the experiment at hand is the one that was used last."""
    who = here.visit.who
    return replace(here.visit, who=replace(who, recent=(here.experiment_id, *who.recent)))


def _frame(
    visit: Visit, experiments: tuple[ExperimentSummary, ...], title: str, current: str, fleet: Fleet | None
) -> Frame:
    flash = visit.console.cookies.take_flash(visit.request)
    return Frame(
        title=title,
        now=visit.now,
        request_id=visit.request.state.request_id,
        operator=_operator(visit),
        switcher=tuple(_entry(visit, one, current) for one in _chosen(visit, experiments)),
        switcher_is_cut=len(experiments) > SWITCHER,
        kind=current,
        fleet=_fleet_line(fleet),
        flashes=(Flash(*flash),) if flash is not None else (),
        search=_search(visit),
    )


def _chosen(visit: Visit, experiments: tuple[ExperimentSummary, ...]) -> list[ExperimentSummary]:
    """All of a few; of many those that were used lately, those that need somebody, and the first ones."""
    if len(experiments) <= SWITCHER:
        return list(experiments)

    def rank(one: ExperimentSummary) -> int:
        return 0 if one.experiment_id in visit.who.recent else 1 if needs(visit, one) else 2

    return sorted(experiments, key=rank)[:SWITCHER]


def _search(visit: Visit, one: ExperimentSummary | None = None) -> SearchBox | None:
    if not visit.offers.is_ours:
        return None
    href = visit.url("search")
    return SearchBox(href) if one is None else SearchBox(href, one.slug, f"Search {one.name}")


def _operator(visit: Visit) -> Operator:
    account_href = visit.url("account") if visit.offers.is_ours else None
    return Operator(visit.who.name, initials(visit.who.name), visit.who.role, account_href)


def _fleet_line(fleet: Fleet | None) -> FleetLine | None:
    if fleet is None:
        return None
    summary = fleet.summary
    return FleetLine(summary.slots_busy, summary.slots_total, summary.unit, summary.waiting)


def _entry(visit: Visit, one: ExperimentSummary, current: str) -> SwitcherEntry:
    """Switching keeps the kind of page; it posts, so that the session remembers the choice."""
    href = same_page(visit, one.slug, current)
    select = visit.url("select", experiment=one.slug) + f"?next={current}"
    return SwitcherEntry(one.slug, one.name, str(one.status), telling(one), needs(visit, one), href, select)


def same_page(visit: Visit, slug: str, current: str) -> str:
    """The page of that kind in an experiment; its overview where there is none."""
    kinds = {route for _, route, *_ in (*EXPERIMENT_TABS, *ADMIN_TABS)}
    return visit.url(current if current in kinds else "overview", experiment=slug)


def initials(name: str) -> str:
    """One or two letters for a name."""
    words = [word for word in name.split() if word]
    return "".join(word[0].upper() for word in (words[:1] + words[-1:] if len(words) > 1 else words[:1])) or "?"
