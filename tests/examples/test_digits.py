"""The digits experiment: a modest baseline, an honest climb, and held-out labels that no program can reach."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_digits

from tests.examples.conftest import Begin
from tests.examples.host import EXAMPLES, Host, is_refused

DECENT = "import json, sys; print('ready', flush=True); given = json.loads(sys.stdin.readline()); "
UNIFORM = "rows = [[0.1] * 10 for _ in given['questions']]; "
ANSWER = "print(json.dumps({'probabilities': rows, 'parameters': 1}))"


def evaluate(host: Host, program: str) -> dict[str, Any]:
    return host.judge(train=program)


def test_the_baseline_is_honest_and_modest(digits: Host) -> None:
    outcome = digits.evaluate(digits.base_commit)
    assert outcome["status"] == "success"
    metrics = outcome["evaluation"]
    assert 0.88 < metrics["accuracy"] < 0.95
    assert metrics["parameters"] == 64 * 10 + 10
    assert set(metrics) == set(digits.config["evaluation_schema"])


def test_ideas_beat_the_baseline(begin: Begin) -> None:
    host = begin("digits")
    baseline = host.begin()
    assert host.evolve(20, until=baseline)[-1] > baseline


@pytest.mark.long
def test_sixty_variants_leave_the_baseline_far_behind(begin: Begin) -> None:
    host = begin("digits")
    host.begin()
    assert max(host.evolve(60)) > 0.95


def test_a_network_with_everything_in_it_is_better_than_the_baseline(digits: Host) -> None:
    config = {"filters": 16, "hidden": [64], "optimiser": "adam", "rate": 0.003, "epochs": 10, "shift": 1}
    more = {"dropout": 0.1, "noise": 0.02, "smoothing": 0.02, "weight_decay": 1e-5, "schedule": "cosine"}
    source = (EXAMPLES / "digits" / "train.py").read_text()
    outcome = evaluate(digits, source.replace("SIDE = 8\n", f"CONFIG |= {config | more}\nSIDE = 8\n"))
    assert outcome["evaluation"]["accuracy"] > 0.93


def test_the_judge_reads_the_data_set_that_scikit_learn_ships() -> None:
    ask = "import evaluate, json; read = evaluate.bundled_digits(); print(json.dumps([read.images, read.labels]))"
    argv = [sys.executable, "-B", "-c", ask]
    read = subprocess.run(argv, cwd=EXAMPLES / "digits", check=True, capture_output=True, text=True).stdout
    shipped = load_digits()
    assert json.loads(read) == [shipped.data.astype(int).tolist(), shipped.target.tolist()]


def test_a_program_is_given_no_held_out_label_and_nothing_of_the_host(digits: Host) -> None:
    looks = (
        "import os; assert set(given) == {'images', 'labels', 'questions'}, list(given); "
        "assert len(given['labels']) == len(given['images']) == 1200, len(given['labels']); "
        "assert not [name for name in os.environ if 'EDEN' in name], list(os.environ); "
        "assert os.listdir('.') == ['train.py'], os.listdir('.'); "
    )
    outcome = evaluate(digits, DECENT + looks + UNIFORM + ANSWER)
    assert outcome["status"] == "success", outcome


DATA = "os.path.join(os.path.dirname(importlib.util.find_spec('sklearn').origin), 'datasets', 'data', 'digits.csv.gz')"
LOOKUPS = {
    "through scikit-learn": "from sklearn.datasets import load_digits; load_digits()",
    "in its file": f"import importlib.util, os; open({DATA}, 'rb')",
    "over a hard link": f"import importlib.util, os; os.link({DATA}, 'own.gz')",
    "over a folder": f"import importlib.util, os; os.open(os.path.dirname({DATA}), os.O_RDONLY)",
    "by another process": "import subprocess; subprocess.run(['cat', '/etc/hostname'])",
    "by a fork": "import os; os.fork()",
    "in the judge's memory": "import os; open(f'/proc/{os.getppid()}/mem', 'rb')",
    "over the network": "import socket; socket.create_connection(('127.0.0.1', 9))",
    "beside the experiment": f"open({str(Path(__file__))!r})",
}


@pytest.mark.parametrize("way", LOOKUPS.values(), ids=LOOKUPS.keys())
def test_a_program_that_looks_for_the_labels_is_refused(digits: Host, way: str) -> None:
    assert is_refused(evaluate(digits, f"{DECENT}\n{way}\n{UNIFORM}\n{ANSWER}"), "may not")


def test_labels_learned_by_position_are_worth_nothing(digits: Host) -> None:
    known = load_digits().target[1200:].tolist()
    rows = f"rows = [[float(digit == label) for digit in range(10)] for label in {known}]; "
    outcome = evaluate(digits, DECENT + rows + ANSWER)
    assert outcome["evaluation"]["accuracy"] < 0.25


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("rows[0][0] = float('nan'); " + ANSWER, "numbers from 0 to 1"),
        ("rows[0][:2] = [-0.1, 0.3]; " + ANSWER, "numbers from 0 to 1"),
        ("rows[0][0] = True; rows[0][1:] = [0] * 9; " + ANSWER, "numbers from 0 to 1"),
        ("rows[0][0] = 0.2; " + ANSWER, "sum to 1"),
        ("rows.pop(); " + ANSWER, "rows"),
        ("rows[0].pop(); " + ANSWER, "10 numbers"),
        ("print(json.dumps({'probabilities': rows, 'parameters': 0}))", "positive whole number"),
        ("print(json.dumps({'probabilities': rows}))", "exactly"),
        (ANSWER + "; print('and more')", "not JSON"),
        ("print('[' * 200000)", "not JSON"),
        ("raise ValueError('a loss')", "a loss"),
    ],
)
def test_garbage_is_the_variants_fault(digits: Host, answer: str, reason: str) -> None:
    assert is_refused(evaluate(digits, DECENT + UNIFORM + answer), reason)


def test_a_program_that_does_not_start_is_the_variants_fault(digits: Host) -> None:
    assert is_refused(evaluate(digits, "import nonesuch"), "did not start")


def test_a_variant_cannot_bring_its_own_judge(digits: Host) -> None:
    lenient = "import json; open('.eden/eval-outcome.json', 'w').write(json.dumps({'status': 'success'}))"
    outcome = digits.judge(train="print('garbage')", evaluate=lenient, exam=lenient, cage=lenient)
    assert is_refused(outcome, "did not start")


def test_a_program_may_not_be_a_link_out_of_its_variant(digits: Host) -> None:
    workspace = digits.checkout(digits.base_commit)
    (workspace / "train.py").unlink()
    (workspace / "train.py").symlink_to(EXAMPLES / "digits" / "train.py")
    assert is_refused(digits.evaluate_in(workspace), "no plain file")


def test_a_judge_without_its_data_blames_itself(digits: Host, tmp_path: Path) -> None:
    (tmp_path / "sklearn").mkdir()
    (tmp_path / "sklearn" / "__init__.py").touch()
    digits.config["evaluation_command"] = f"PYTHONPATH={tmp_path} {digits.config['evaluation_command']}"
    try:
        outcome = digits.evaluate(digits.base_commit)
    finally:
        digits.config["evaluation_command"] = digits.config["evaluation_command"].partition(" ")[2]
    assert (outcome["status"], outcome["evaluation"]) == ("evaluation_error", {})
    assert "digits.csv.gz" in outcome["description"]
