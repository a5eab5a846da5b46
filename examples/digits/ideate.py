"""The ideator: answers one ideation task, in JSON lines, with a few changes to the best program so far."""

import json
import random
import subprocess
import sys
from typing import Any

from lineage import Lineage, git, read_lineage, show
from program import Draft, read_config
from search import PROGRAM, mutate, restart

IDEAS = 2
RESTARTS = 0.1
RUNNERS_UP = 0.2
REDRAWS = 20


def ideas(question: dict[str, Any], rng: random.Random) -> list[dict[str, Any]]:
    """The answer to a task: mostly mutations of the best variant, now and then of another or a fresh start."""
    base = git("rev-parse", "HEAD").strip()
    lineage = read_lineage(question["history"], question["objective"], base)
    return [idea(lineage, rng) for _ in range(IDEAS)]


def idea(lineage: Lineage, rng: random.Random) -> dict[str, Any]:
    parent, draft = draw(lineage, rng)
    for _ in range(REDRAWS):
        if (parent, draft.slug) not in lineage.tried:
            break
        parent, draft = draw(lineage, rng)
    return {
        "event": "idea",
        "slug": draft.slug,
        # Ideas that build on a newer record come first, and among them the kind that has paid off most often.
        "priority": round(lineage.records + lineage.promise(draft.kind), 3),
        "parent_commits": [parent],
        "content": content(draft),
    }


def draw(lineage: Lineage, rng: random.Random) -> tuple[str, Draft]:
    """A parent and a change to it."""
    if lineage.records > 1 and rng.random() < RESTARTS:
        return lineage.base_commit, restart(read_config(show(lineage.base_commit, PROGRAM)), rng)
    best, *runners_up = lineage.parents[:3]
    parent = rng.choice(runners_up) if runners_up and rng.random() < RUNNERS_UP else best
    return parent, mutate(read_config(show(parent, PROGRAM)), lineage.promise, rng)


def content(draft: Draft) -> str:
    return f"{draft.reason}\n\n```json\n{json.dumps(draft.change, indent=2)}\n```\n"


def say(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)


def main() -> None:
    say({"event": "ready"})
    try:
        for line in ideas(json.loads(sys.stdin.readline()), random.Random()):
            say(line)
    except (ValueError, KeyError, SyntaxError, subprocess.CalledProcessError) as fault:
        say({"event": "ideation-error", "message": f"{type(fault).__name__}: {fault}"})
        return
    say({"event": "ideation-done"})


if __name__ == "__main__":
    main()
