"""`docs/states.md`, drawn from the tables that the operations obey; run this file to print it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from control_plane.scheduler.rules import states as jobs
from control_plane.task_store.rules import ideas, tasks, variants
from control_plane.task_store.rules.moves import Move
from store_client.wire.ideas import IdeaState
from store_client.wire.jobs import JobState
from store_client.wire.tasks import TaskState
from store_client.wire.variants import VariantStatus

HEAD = """# States

Drawn from the `MOVES` tables in `control_plane/task_store/rules/` and `control_plane/scheduler/rules/`; a test compares
this page with them, and others walk every pair of state and act. A dash means that the act is refused with the error of
the last column.
"""
TAIL = """`preempted` is a state of attempts alone: one that was taken off its slots, whose job is queued again. While
it gives way its job stays starting or running, so that whoever cancels it meanwhile ends it for good.
"""
JOBS = {act: Move(sources, target) for act, (sources, target) in jobs.MOVES.items()}
DASH = "\N{EN DASH}"
Moves = Mapping[str, Move[Any]]


def draw() -> str:
    """The whole page."""
    parts = [HEAD, _machine("Task", TaskState, tasks.MOVES), _machine("Idea", IdeaState, ideas.MOVES)]
    return "\n".join(
        [*parts, _machine("Variant", VariantStatus, variants.MOVES), _machine("Job", JobState, JOBS), TAIL]
    )


def _machine(name: str, states: type[StrEnum], moves: Moves) -> str:
    return f"## {name}\n\n{_diagram(moves)}\n{_table(states, moves)}"


def _diagram(moves: Moves) -> str:
    arrows = [
        f"    {source} --> {move.target}: {_words(act)}"
        for act, move in moves.items()
        for source in sorted(move.sources)
    ]
    return "\n".join(["```mermaid", "stateDiagram-v2", *arrows, "```", ""])


def _table(states: type[StrEnum], moves: Moves) -> str:
    head = ["act", *states, "refused with"]
    rows = [head, ["---"] * len(head), *(_row(states, act, move) for act, move in moves.items())]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(states: type[StrEnum], act: str, move: Move[Any]) -> list[str]:
    cells = [str(move.target) if state in move.sources else DASH for state in states]
    return [_words(act), *cells, f"`{move.refusal.type().rsplit('/', 1)[-1]}`"]


def _words(act: str) -> str:
    return act.replace("_", " ")


if __name__ == "__main__":
    print(draw(), end="")  # noqa: T201 - printing the page is what running this file is for
