"""The judge: gives the variant's program the training set and unlabelled questions, and marks its answers.

It runs from the experiment's base commit, so no variant can change it. The held-out labels stay in this process.
"""

import json
import math
import os
import random
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from exam import Exam, VariantError

PROGRAM = "train.py"
TRAINING_IMAGES = 1200
CLASSES = 10
ROW_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Digits:
    """Images of 64 numbers from 0 to 16, and the digit that each shows."""

    images: list[list[int]]
    labels: list[int]


def bundled_digits() -> Digits:
    """The digits that scikit-learn ships, read without the two seconds that importing it takes."""
    package = find_spec("sklearn")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("scikit-learn is not installed: pip install 'switchyard[examples]'")
    table = Path(package.submodule_search_locations[0], "datasets", "data", "digits.csv.gz")
    rows = np.loadtxt(table, delimiter=",").astype(int)
    return Digits(rows[:, :-1].tolist(), rows[:, -1].tolist())


def split(digits: Digits, order: random.Random) -> tuple[Digits, Digits]:
    """The training set, and the held-out set in an order that no program can know.

    The data set keeps a writer's digits together: nearly all held-out digits come from hands unseen in training.
    """
    held_out = list(range(TRAINING_IMAGES, len(digits.images)))
    order.shuffle(held_out)
    training = Digits(digits.images[:TRAINING_IMAGES], digits.labels[:TRAINING_IMAGES])
    return training, Digits([digits.images[at] for at in held_out], [digits.labels[at] for at in held_out])


def evaluate(workspace: Path) -> dict[str, float | int]:
    """The metrics of the variant in the workspace."""
    training, held_out = split(bundled_digits(), random.SystemRandom())
    question = {"images": training.images, "labels": training.labels, "questions": held_out.images}
    text, seconds = Exam(workspace / PROGRAM).ask(json.dumps(question))
    answer = read_answer(text, len(held_out.images))
    rows = np.asarray(answer["probabilities"], float)
    truth = np.asarray(held_out.labels)
    chances = rows[np.arange(len(truth)), truth]
    return {
        "accuracy": float((rows.argmax(axis=1) == truth).mean()),
        "log_loss": float(-np.log(np.clip(chances, 1e-15, 1)).mean()),
        "fit_seconds": round(seconds, 4),
        "parameters": answer["parameters"],
    }


def read_answer(text: str, count: int) -> dict[str, Any]:
    """The program's answer, if it is one."""
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise VariantError(f"the answer is not JSON: {fault}") from None
    if not isinstance(answer, dict) or set(answer) != {"probabilities", "parameters"}:
        raise VariantError("the answer must hold exactly `probabilities` and `parameters`")
    if type(answer["parameters"]) is not int or not 0 < answer["parameters"] < 2**53:
        raise VariantError("`parameters` must be a positive whole number")
    check_probabilities(answer["probabilities"], count)
    return answer


def check_probabilities(rows: Any, count: int) -> None:
    """One row of ten probabilities for every question."""
    if not isinstance(rows, list) or len(rows) != count:
        raise VariantError(f"`probabilities` must hold {count} rows")
    for row in rows:
        if not isinstance(row, list) or len(row) != CLASSES or not all(is_probability(cell) for cell in row):
            raise VariantError(f"every row must hold {CLASSES} numbers from 0 to 1")
        if abs(math.fsum(row) - 1) > ROW_TOLERANCE:
            raise VariantError("every row must sum to 1")


def is_probability(cell: Any) -> bool:
    return type(cell) in (int, float) and 0 <= cell <= 1


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
