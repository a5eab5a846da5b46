"""How long attempts take: kinds of jobs, what ended ones of a kind took, and a draw from that.

A kind is the experiment, what the job does (its role, else its name without numbers) and the shape of what it holds.
Where fewer than five of a kind have ended, wider classes speak for it.
"""

import math
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from store_client.wire.jobs import Resources

T = TypeVar("T")


class Chance(Protocol):
    """Where draws come from, as random.Random; with a seed of its own it draws the same again."""

    def gauss(self, mu: float, sigma: float, /) -> float: ...

    def uniform(self, a: float, b: float, /) -> float: ...

    def gammavariate(self, alpha: float, beta: float, /) -> float: ...

    def choice(self, seq: Sequence[T], /) -> T: ...


ENOUGH = 5
"""Fewer ended attempts than that say nothing."""
LONGEST_NAME = 60
SHORTEST_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Kind:
    experiment_id: str
    work: str
    shape: str

    @property
    def key(self) -> str:
        return f"{self.experiment_id}|{self.shape}|{self.work}"

    @property
    def classes(self) -> tuple[tuple[str, ...], ...]:
        """From itself to everything there is."""
        return (
            (self.experiment_id, self.work, self.shape),
            (self.experiment_id, self.work, ""),
            (self.experiment_id, "", self.shape),
            ("", "", self.shape),
            ("", "", ""),
        )


def kind_of(experiment_id: str, role: str | None, name: str, need: Resources) -> Kind:
    """The kind of a job; `sweep lr 3/8` and `sweep lr 4/8` are of one."""
    work = role or re.sub(r"[0-9]+", "#", name)[:LONGEST_NAME]
    gpus = max(need.gpus, need.gpus_where_present)
    part = need.mig_profile or (f"{need.gpu_share:g}" if need.gpu_share else "")
    return Kind(experiment_id, work, f"{gpus}g{part}{need.cpus}c")


@dataclass(frozen=True)
class Durations:
    """What attempts of a class took, in seconds, from the shortest."""

    seconds: tuple[float, ...]
    spread: float
    """The standard deviation of their logarithms."""

    @classmethod
    def of(cls, seconds: Iterable[float]) -> "Durations":
        ordered = tuple(sorted(max(one, SHORTEST_SECONDS) for one in seconds))
        logs = [math.log(one) for one in ordered]
        mean = math.fsum(logs) / len(logs)
        return cls(ordered, math.sqrt(math.fsum((one - mean) ** 2 for one in logs) / max(len(logs) - 1, 1)))

    def shift(self, chance: Chance) -> float:
        """A factor for all draws of one replicate: so few runs know their own mean only so well."""
        freedom = len(self.seconds) - 1
        student = chance.gauss(0, 1) / math.sqrt(chance.gammavariate(freedom / 2, 2) / freedom)
        return math.exp(max(-3.0, min(3.0, student * self.spread / math.sqrt(len(self.seconds)))))

    def draw(self, chance: Chance) -> float:
        """One duration: one that was seen, smoothed."""
        width = self.spread * (4 / (3 * len(self.seconds))) ** 0.2
        return chance.choice(self.seconds) * math.exp(chance.gauss(0, width))

    def rest(self, elapsed: float, chance: Chance, shift: float = 1.0) -> float:
        """What is left of one that has taken so long already; `shift` is that of the replicate."""
        longer = self.seconds[bisect_right(self.seconds, elapsed / shift) :]
        if longer:
            return chance.choice(longer) * shift - elapsed
        return chance.uniform(0, elapsed / 2)  # longer than any before: what is left is in proportion


@dataclass(frozen=True)
class History:
    """What ended attempts took, by class; `of` finds the narrowest that says something."""

    by_class: Mapping[tuple[str, ...], Durations] = field(default_factory=dict)

    @classmethod
    def told(cls, runs: Iterable[tuple[Kind, float]]) -> "History":
        """From the kind and the seconds of each ended attempt."""
        taken: dict[tuple[str, ...], list[float]] = {}
        for kind, seconds in runs:
            for one in kind.classes:
                taken.setdefault(one, []).append(seconds)
        return cls({one: Durations.of(seconds) for one, seconds in taken.items() if len(seconds) >= ENOUGH})

    def of(self, kind: Kind) -> Durations | None:
        found: Sequence[Durations] = [self.by_class[one] for one in kind.classes if one in self.by_class]
        return found[0] if found else None
