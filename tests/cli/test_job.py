"""`switchyard job` against a server: submit with everything, look, ask why, wait, and change what waits."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from store_client.cli import main
from store_client.cli.job_submit import read
from store_client.cli.sizes import BYTES, in_words
from tests.cli.commands import start, stop

CONFIG = """
name: Jobs
parallel_variants: 1
evaluation_schema: {score: real}
objective: {expr: score, direction: maximize}
"""
NEVER = ("--cpus", "1000")
"""What no machine of a test has: such a job waits."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data directory of a running server with one experiment, `jobs`."""
    directory = tmp_path_factory.mktemp("serve")
    process, _ = start("serve", "--data", str(directory), "--port", "0")
    source = tmp_path_factory.mktemp("source")
    (source / "experiment.yaml").write_text(CONFIG)
    assert asked(directory, "experiment", "create", str(source), "--name", "Jobs")["slug"] == "jobs"
    yield directory
    stop(process)


def run(data: Path, *arguments: str, stdin: str = "") -> Result:
    """The command in this process: that it is a process of its own is tested elsewhere."""
    return CliRunner().invoke(main, [*arguments[:2], "--data", str(data), *arguments[2:]], input=stdin)


def asked(data: Path, *arguments: str) -> Any:
    return json.loads(told(data, *arguments[:2], "--json", *arguments[2:]))


def told(data: Path, *arguments: str) -> str:
    answer = run(data, *arguments)
    assert answer.exit_code == 0, answer.stderr
    return str(answer.stdout)


def waiting(data: Path, *options: str) -> str:
    """The number of a job that waits for ever."""
    return str(asked(data, "job", "submit", "jobs", *NEVER, *options, "--", "true")["number"])


def test_everything_that_a_job_can_be_given_is_an_option(data: Path) -> None:
    first = waiting(data)
    options = (
        "--gpus 1 --share 0.5 --gpu-memory 20GB --memory 64GiB --on-gpu 3 --priority 8 --timeout 60 --idle-timeout 30 "
        f"--retry 5 --retry-on failed --retry-delay 2 --preemptible --depends-on {first}:ended --tag a --tag b "
        "--env X=1 --name full"
    ).split()
    shown = asked(data, "job", "show", waiting(data, *options))
    need = shown["resources"]
    assert (need["gpu_share"], need["gpu_memory_bytes"], need["memory_bytes"]) == (0.5, 20 * 10**9, 64 * 2**30)
    assert need["only_gpus"] == ["3"]
    assert (shown["name"], shown["priority"], shown["idle_timeout_seconds"]) == ("full", 8, 30)
    assert (shown["retry"]["max_attempts"], shown["retry"]["on"]) == (5, ["failed"])
    assert shown["preemption"]["signal"] == "SIGTERM"
    assert [one["when"] for one in shown["depends_on"]] == ["ended"]
    assert sorted(shown["tags"]) == ["a", "b"]
    assert "50 % of a GPU, 20 GB, 1000 CPU" in told(data, "job", "show", str(shown["number"]))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--share", "0.5", "--mig", "1g.10gb"), "not for both"),
        (("--env", "novalue"), "NAME=VALUE"),
        (("--memory", "lots"), "write it as 20GB"),
        (("--depends-on", "7:maybe"), "when"),
    ],
)
def test_options_that_make_no_sense_are_refused_in_a_sentence(data: Path, options: tuple[str, ...], words: str) -> None:
    answer = run(data, "job", "submit", "jobs", *options, "--", "true")
    assert answer.exit_code == 2
    assert words in answer.stderr
    assert "Traceback" not in answer.stderr


def test_waiting_for_a_job_gives_its_own_exit_status(data: Path) -> None:
    failed = asked(data, "job", "submit", "jobs", "--", "sh", "-c", "echo said; exit 7")
    answer = run(data, "job", "wait", str(failed["number"]))
    assert (answer.exit_code, answer.stdout) == (7, f"Job {failed['number']} is failed.\n")
    assert told(data, "job", "logs", "-f", str(failed["number"])) == "said\n"
    done = asked(data, "job", "submit", "jobs", "--", "true")
    assert run(data, "job", "wait", done["job_id"]).exit_code == 0
    assert run(data, "job", "wait", waiting(data), "--timeout", "0").exit_code == 124
    assert told(data, "job", "metrics", str(failed["number"])) == "It has reported nothing.\n"
    assert "user_error" in told(data, "job", "show", str(failed["number"]))


def test_a_job_is_explained(data: Path) -> None:
    number = waiting(data)
    said = told(data, "job", "explain", number)
    assert f"Job {number}: Waits, number" in said
    assert "no machine here has 1,000 CPU slots" in said
    found = asked(data, "job", "explain", number)
    assert [one["kind"] for one in found["constraints"]] == ["never_fits"]


def test_the_queue_is_listed_in_order_and_reordered(data: Path) -> None:
    one, other = waiting(data, "--tag", "order"), waiting(data, "--tag", "order")
    told(data, "job", "priority", "10", one, other)

    def order() -> list[str]:
        return [str(item["job"]["number"]) for item in asked(data, "job", "queue")["items"]][:2]

    assert order() == [one, other]
    told(data, "job", "move", other, "--front")
    assert order() == [other, one]
    told(data, "job", "move", other, "--after", one)
    assert order() == [one, other]
    assert one in told(data, "job", "queue")
    assert run(data, "job", "move", one).exit_code == 2
    assert "no job 99999" in run(data, "job", "move", one, "--before", "99999").stderr


def test_jobs_are_listed_by_condition_and_cancelled_together(data: Path) -> None:
    numbers = {waiting(data, "--tag", "many", "--name", f"many {place}") for place in range(3)}
    listed = asked(data, "job", "list", "--tag", "many", "--experiment", "jobs", "--state", "queued")
    assert {str(one["number"]) for one in listed} == numbers
    refused = run(data, "job", "cancel", "--tag", "many", stdin="n\n")
    assert refused.exit_code == 1
    assert "Cancel 3 jobs?" in refused.stderr
    shown = told(data, "job", "cancel", "--tag", "many", "--dry-run")
    assert "Cancel 3 jobs. Nothing was changed." in shown
    assert "many 2" in shown
    raised = asked(data, "job", "priority", "7", "--tag", "many", "--dry-run")
    assert (raised["matched"], {one["priority"] for one in raised["jobs"]}) == (3, {5})
    assert "Give priority 7 to 3 jobs?" in run(data, "job", "priority", "7", "--tag", "many", stdin="n\n").stderr
    assert "3 jobs are at priority 7 now." in told(data, "job", "priority", "7", "--tag", "many", "--yes")
    assert asked(data, "job", "priority", "7", "--tag", "many", "--yes") == {"changed": 0}
    for more in ((), ("--state", "running")):
        assert asked(data, "job", "priority", "7", "--tag", "many", "--dry-run", *more) == {"matched": 0, "jobs": []}
    done = asked(data, "job", "cancel", "--tag", "many", "--yes")
    assert done["changed"] == 3
    assert {one["state"] for one in asked(data, "job", "list", "--all", "--act", done["act_id"])} == {"cancelled"}
    assert "0 jobs are cancelled" in told(data, "job", "cancel", "--tag", "many", "--yes")
    assert asked(data, "job", "list", "--tag", "many") == []
    assert len(asked(data, "job", "list", "--tag", "many", "--all")) == 3
    assert "is queued" in told(data, "job", "retry", *numbers)
    assert told(data, "job", "cancel", *numbers).count("is cancelled") == 3
    assert run(data, "job", "cancel").exit_code == run(data, "job", "priority", "7", "--yes").exit_code == 2
    assert "is for conditions" in run(data, "job", "cancel", "--dry-run", "1").stderr


def test_many_are_queued_from_a_file(data: Path, tmp_path: Path) -> None:
    written = tmp_path / "jobs.yaml"
    written.write_text(
        "jobs:\n- {command: 'echo one', tags: [file]}\n- {name: two, command: [echo, two], tags: [file]}"
    )
    assert "2 jobs are queued" in told(data, "job", "bulk", str(written), "--experiment", "jobs")
    assert {one["name"] for one in asked(data, "job", "list", "--tag", "file", "--all")} == {"echo one", "two"}
    lines = tmp_path / "jobs.jsonl"
    lines.write_text('{"command": "true", "experiment": "jobs"}\n\n{"command": "true"}\n')
    refused = run(data, "job", "bulk", str(lines))
    assert "job 2" in refused.stderr
    assert "--experiment" in refused.stderr
    lines.write_text('{"command": "true", "colour": "red"}\n')
    assert "colour" in run(data, "job", "bulk", str(lines), "--experiment", "jobs").stderr


def test_a_file_is_read_in_both_forms(tmp_path: Path) -> None:
    for name, text in (("a.yaml", "- command: 'true'\n"), ("a.jsonl", '{"command": "true"}\n')):
        (tmp_path / name).write_text(text)
        assert read(tmp_path / name) == [{"command": "true"}]


@pytest.mark.parametrize(
    ("written", "count"), [("20GB", 20 * 10**9), ("512MiB", 512 * 2**20), ("7", 7), ("1.5t", 1_500_000_000_000)]
)
def test_sizes_are_written_with_units(written: str, count: int) -> None:
    assert BYTES.convert(written, None, None) == count


def test_sizes_are_said_in_decimal_units() -> None:
    assert [in_words(count) for count in (0, 999, 20 * 10**9)] == ["", "999 B", "20 GB"]
