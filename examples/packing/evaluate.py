"""The judge: runs the variant's program and verifies its packing in exact arithmetic.

It runs from the experiment's base commit, so no variant can change it.
"""

import json
import math
import os
from fractions import Fraction
from itertools import combinations
from pathlib import Path
from typing import Any

from exam import Exam, VariantError

PROGRAM = "pack.py"
COUNT = 26
TOLERANCE = Fraction(1, 10**9)
Circle = tuple[float, float, float]


def evaluate(workspace: Path) -> dict[str, float]:
    """The metrics of the variant in the workspace."""
    text, seconds = Exam(workspace / PROGRAM).ask()
    circles = read_circles(text)
    verify(circles)
    return {
        "sum_radii": math.fsum(radius for _, _, radius in circles),
        "min_gap": min(gap(a, b) for a, b in combinations(circles, 2)),
        "seconds": round(seconds, 4),
    }


def read_circles(text: str) -> list[Circle]:
    """The circles in the program's output, if they are there."""
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise VariantError(f"the output is not JSON: {fault}") from None
    if not isinstance(rows, list) or len(rows) != COUNT:
        raise VariantError(f"the output must be a list of exactly {COUNT} circles")
    for row in rows:
        if not isinstance(row, list) or len(row) != 3 or not all(is_coordinate(cell) for cell in row):
            raise VariantError("every circle must be [x, y, radius], each a finite number from 0 to 1")
    return [(float(x), float(y), float(radius)) for x, y, radius in rows]


def is_coordinate(cell: Any) -> bool:
    return type(cell) in (int, float) and 0 <= cell <= 1


def verify(circles: list[Circle]) -> None:
    """Refuse a circle without size or outside the square, and two that overlap; a float is an exact fraction."""
    exact = [tuple(map(Fraction, circle)) for circle in circles]
    for place, (x, y, radius) in enumerate(exact):
        if radius <= 0:
            raise VariantError(f"circle {place} has no radius")
        if min(x, y, 1 - x, 1 - y) < radius:
            raise VariantError(f"circle {place} leaves the square")
    for (first, a), (second, b) in combinations(enumerate(exact), 2):
        reach = a[2] + b[2] - TOLERANCE
        if reach > 0 and (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 < reach**2:
            raise VariantError(f"circles {first} and {second} overlap")


def gap(a: Circle, b: Circle) -> float:
    """The room between two circles; below zero where they overlap within the tolerance."""
    return math.dist(a[:2], b[:2]) - a[2] - b[2]


def without_score(status: str, reason: str) -> dict[str, Any]:
    return {"status": status, "evaluation": {}, "description": reason}


def write_outcome(path: Path, outcome: dict[str, Any]) -> None:
    """Replace the outcome in one step, so that it is never read half written."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(json.dumps(outcome))
    beside.replace(path)


def main() -> None:
    output = Path(os.environ.get("EDEN_OUTPUT", ".eden/eval-outcome.json"))
    # Until the judge has reached a verdict, a failure is its own and not the variant's.
    write_outcome(output, without_score("evaluation_error", "the judge ended before it came to a verdict"))
    try:
        metrics = evaluate(Path.cwd())
        words = " ".join(f"{name}={value:.6g}" for name, value in metrics.items())
        outcome = {"status": "success", "evaluation": metrics, "description": words}
    except VariantError as fault:
        outcome = without_score("error", f"{PROGRAM} {fault}")
    except (ImportError, OSError, ValueError) as fault:
        outcome = without_score("evaluation_error", f"the judge could not do its work: {fault}")
    write_outcome(output, outcome)
    print(outcome["description"])


if __name__ == "__main__":
    main()
