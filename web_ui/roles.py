"""Roles in words: what each allows, and which somebody has where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from store_client import ExperimentSummary, OperatorDetail
from web_ui.visit import Visit

MEANING: Mapping[str, str] = {
    "member": "Sees only the experiments below, and acts there as it says.",
    "viewer": "Sees everything and changes nothing.",
    "operator": "Sees everything, claims tasks and submits work.",
    "administrator": "Does everything, here and in every experiment.",
}
IN_DEPLOYMENT = (
    ("member", "Member: only the experiments they are given"),
    ("viewer", "Viewer: sees everything, changes nothing"),
    ("operator", "Operator: claims tasks and submits work"),
    ("administrator", "Administrator: does everything"),
)
IN_EXPERIMENT = (("viewer", "Viewer"), ("operator", "Operator"), ("administrator", "Administrator"))


@dataclass(frozen=True)
class RoleLine:
    """What somebody is in an experiment."""

    experiment_id: str
    name: str
    href: str | None
    role: str


def meaning_of(role: str) -> str:
    return MEANING[role]


def role_lines(visit: Visit, person: OperatorDetail, experiments: Sequence[ExperimentSummary]) -> tuple[RoleLine, ...]:
    """The roles that were given to somebody in experiments, each with a way there if it is here."""
    slugs = {one.experiment_id: one.slug for one in experiments}
    return tuple(
        RoleLine(
            one.experiment_id,
            one.name or one.experiment_id,
            visit.url("overview", experiment=slugs[one.experiment_id]) if one.experiment_id in slugs else None,
            one.role,
        )
        for one in person.experiments
    )
