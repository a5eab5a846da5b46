"""Which experiment a request works on: the one in the URL, else the one the session selected, else the default."""

from dataclasses import dataclass, replace

from store_client import ExperimentSummary, StoreClient
from web_ui.missing import NoSuchExperiment, StaleSelection
from web_ui.repos import Clone
from web_ui.visit import Visit


@dataclass(frozen=True)
class Here:
    """The active experiment of a request, every experiment beside it, and the store client for it.

    `drawn_at` is the newest event of it that every page drawn from here on shows already.
    """

    visit: Visit
    experiment: ExperimentSummary
    all: tuple[ExperimentSummary, ...]
    drawn_at: int

    @property
    def store(self) -> StoreClient:
        return self.visit.console.factory.store(self.visit.who, self.experiment.experiment_id)

    @property
    def registry(self) -> StoreClient | None:
        """The experiment as somebody who may change its workers and groups; None where this person may only look."""
        return self.visit.console.factory.registry(self.visit.who, self.experiment.experiment_id)

    @property
    def files(self) -> StoreClient:
        """The experiment as whoever may read its artifacts: other servers give them to depositors and admins alone."""
        return self.store if self.visit.offers.is_ours else self.registry or self.store

    @property
    def clone(self) -> Clone | None:
        """The experiment's repository, where one is known."""
        return self.visit.console.factory.clone(self.visit.who, self.experiment.experiment_id)

    @property
    def experiment_id(self) -> str:
        return self.experiment.experiment_id

    def url(self, name: str, **path: str) -> str:
        """The path of a route inside this experiment."""
        return self.visit.url(name, experiment=self.experiment.slug, **path)


async def resolve_active_experiment(visit: Visit) -> Here:
    """The experiment this request works on; NoSuchExperiment when its URL names none of ours.

    A selection that is gone is said to be gone, once: nobody is led into another experiment unawares.
    Only an address that names no experiment looks at the session, so that a tab never lands in another tab's choice.
    """
    marks = visit.console.live.marks()
    named = visit.request.path_params.get("experiment")
    experiments = await visit.console.factory.experiments(visit.who, named)
    selected = visit.who.experiment_id
    if named is None and selected and find(experiments, selected) is None:
        raise StaleSelection(selected, experiments)
    found = find(experiments, named) if named is not None else default(experiments, selected)
    if found is None:
        raise NoSuchExperiment(named or "", experiments)
    who = await visit.console.factory.inside(visit.who, found.experiment_id)
    return Here(replace(visit, who=who), found, experiments, marks.of(found.experiment_id))


def find(experiments: tuple[ExperimentSummary, ...], named: str) -> ExperimentSummary | None:
    """The experiment with this id or slug."""
    return next((one for one in experiments if named in {one.experiment_id, one.slug}), None)


def default(experiments: tuple[ExperimentSummary, ...], selected: str | None) -> ExperimentSummary | None:
    """The one the session selected, else the first that runs, else the first."""
    chosen = find(experiments, selected) if selected else None
    running = next((one for one in experiments if one.status == "running"), None)
    return chosen or running or next(iter(experiments), None)
