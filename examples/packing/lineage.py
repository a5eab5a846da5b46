"""What the history of an experiment says: the best variant to build on, and which kinds of idea have paid off."""

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Scored:
    """A variant with a score, signed so that more is better."""

    slug: str
    score: float
    commit: str
    parents: tuple[str, ...]
    is_parent_material: bool

    @property
    def kind(self) -> str:
        """The first word of the slug: what kind of idea it was."""
        return self.slug.partition("-")[0]


@dataclass(frozen=True)
class Lineage:
    """The scored variants, oldest first, the commit that the experiment began with, and what has been tried on what."""

    base_commit: str
    variants: tuple[Scored, ...]
    tried: frozenset[tuple[str, str]]

    @property
    def parents(self) -> list[str]:
        """The commits to build on, best first; the newest among equals, so that a plateau is walked."""
        material = [variant for variant in reversed(self.variants) if variant.is_parent_material]
        best_first = sorted(material, key=lambda variant: -variant.score)
        return [variant.commit for variant in best_first] or [self.base_commit]

    @property
    def records(self) -> int:
        """How often the best score has been beaten."""
        count, best = 0, float("-inf")
        for variant in self.variants:
            count, best = (count + 1, variant.score) if variant.score > best else (count, best)
        return count

    def promise(self, kind: str) -> float:
        """How likely an idea of this kind is to beat its parent, from 0 to 1; one half while nothing is known."""
        scores = {variant.commit: variant.score for variant in self.variants}
        tries = [(variant.score, scores.get(variant.parents[0])) for variant in self.variants if variant.kind == kind]
        known = [(score, parent) for score, parent in tries if parent is not None]
        wins = sum(score > parent for score, parent in known)
        return (wins + 1) / (len(known) + 2)


def read_lineage(history: Iterable[dict[str, Any]], objective: dict[str, str], base_commit: str) -> Lineage:
    """The lineage in a task's history; what has no score is left out."""
    sign = -1 if objective["direction"] == "minimize" else 1
    scored, tried = [], set()
    for entry in sorted(history, key=lambda entry: entry["variant_id"]):  # the ids sort by time
        tried.add((entry["parent_commits"][0], entry.get("slug") or ""))
        score = entry.get("objective_value")
        if entry.get("status") == "success" and score is not None:
            scored.append(read_entry(entry, sign * float(score)))
    return Lineage(base_commit, tuple(scored), frozenset(tried))


def read_entry(entry: dict[str, Any], score: float) -> Scored:
    is_baseline, integrated = entry.get("kind") == "baseline", entry.get("variant_commit_sha")
    return Scored(
        slug=entry.get("slug") or "",
        score=score,
        commit=integrated or entry["commit_sha"],
        parents=tuple(entry["parent_commits"]),
        # An idea's parents must be reachable: a variant only is once it has been integrated.
        is_parent_material=bool(integrated) or is_baseline,
    )


def show(commit: str, path: str) -> str:
    """A file as it is in a commit."""
    return git("show", f"{commit}:{path}")


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout
