"""Where the ideas come from: one more step for the best packing so far, or another layout to begin with."""

import random
from collections.abc import Callable
from typing import Any

from program import Config, Draft

PROGRAM = "pack.py"
KINDS = ("settle", "shake", "rehome", "retune")
STEPS_AT_FIRST = 3


def mutate(config: Config, promise: Callable[[str], float], rng: random.Random) -> Draft:
    """A small change to this recipe, of a kind drawn by its promise."""
    kinds = KINDS if config["steps"] else KINDS[:-1]
    kind = rng.choices(kinds, [promise(kind) for kind in kinds])[0]
    if kind == "retune":
        return retune(config["steps"], rng)
    step = draw_step(kind, rng)
    return Draft(kind, detail(step), f"{tell(step)}: the packing may grow from there.", {"append": {"steps": [step]}})


def restart(config: Config, rng: random.Random) -> Draft:
    """Another layout and its first steps, whatever came before."""
    layout = rng.choice([name for name in ("grid", "staggered", "scattered") if name != config["layout"]])
    drawn = {"layout": layout, "columns": rng.randint(4, 7), "seed": rng.randrange(10**6)}
    steps = [draw_step("settle", rng), *(draw_step(rng.choice(KINDS[:-1]), rng) for _ in range(STEPS_AT_FIRST - 1))]
    reason = f"Begin again from a {layout} layout: the best so far may have settled in a corner that has no way on."
    return Draft("restart", f"{layout} {drawn['columns']} {drawn['seed']}", reason, {"set": {**drawn, "steps": steps}})


def retune(steps: list[dict[str, Any]], rng: random.Random) -> Draft:
    """The same recipe, one of its steps with other numbers."""
    place = rng.randrange(len(steps))
    step = draw_step(steps[place]["move"], rng)
    reason = f"Take step {place + 1} differently. {tell(step)}: the steps after it may then reach further."
    return Draft(
        "retune", f"{place + 1} {detail(step)}", reason, {"set": {"steps": [*steps[:place], step, *steps[place + 1 :]]}}
    )


def draw_step(move: str, rng: random.Random) -> dict[str, Any]:
    rounds = rng.randint(1, 3) if move == "settle" else rng.randint(3, 10)
    step: dict[str, Any] = {"move": move, "rounds": rounds, "reach": spread(0.002, 0.03, rng)}
    if move != "settle":
        step["seed"] = rng.randrange(10**6)
    if move == "shake":
        step["size"] = spread(0.003, 0.05, rng)
    return step


def spread(low: float, high: float, rng: random.Random) -> float:
    """A number between two others, its magnitude drawn evenly."""
    return float(f"{low * (high / low) ** rng.random():.2g}")


def detail(step: dict[str, Any]) -> str:
    return " ".join(f"{key} {value}" for key, value in step.items() if key != "move")


def tell(step: dict[str, Any]) -> str:
    """The step in words."""
    settled = f"{step['rounds']} rounds of pushing by at most {step['reach']}"
    if step["move"] == "shake":
        return f"Shake every circle by about {step['size']}, then {settled}"
    if step["move"] == "rehome":
        return f"Take the smallest circle to a roomier place, then {settled}"
    return f"Settle for {settled}"
