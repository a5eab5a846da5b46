"""What has to be said to run attempts on a cluster."""

from pathlib import Path

import pytest

from control_plane.settings import PROGRAMS, parse

URL = "http://head:8091"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with Slurm's programs and nothing else."""
    for name in PROGRAMS:
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_a_process_runs_attempts_on_this_machine_unless_told_otherwise() -> None:
    assert parse([], {}).cluster is None
    assert parse(["--end-attempts"], {}).ends_attempts


@pytest.mark.usefixtures("programs")
def test_a_cluster_is_named_by_options_or_by_the_environment() -> None:
    said = parse(
        ["--engine", "slurm", "--public-url", URL, "--slurm-partition", "gpus"], {"SLURM_CONF": "/x", "A": "b"}
    )
    environment = {
        "SWITCHYARD_ENGINE": "slurm",
        "SWITCHYARD_PUBLIC_URL": URL,
        "SWITCHYARD_SLURM_PARTITION": "gpus",
        "SLURM_CONF": "/x",
    }
    assert said.cluster is not None
    assert (said.cluster.public_url, said.cluster.partition) == (URL, "gpus")
    assert said.cluster.variables == {"SLURM_CONF": "/x"}
    assert parse([], environment).cluster == said.cluster


@pytest.mark.usefixtures("programs")
def test_what_runs_on_a_cluster_outlives_the_server() -> None:
    given = ["--engine", "slurm", "--public-url", URL, "--end-attempts"]
    assert not parse(given, {}).ends_attempts


@pytest.mark.usefixtures("programs")
def test_a_process_that_places_nothing_needs_no_cluster() -> None:
    assert parse(["--engine", "slurm", "--no-scheduler"], {}).cluster is None


@pytest.mark.usefixtures("programs")
def test_nodes_have_to_know_where_we_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--engine", "slurm"], {})
    assert "--public-url" in capsys.readouterr().err


def test_a_machine_without_slurms_programs_is_told_what_it_lacks(
    programs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (programs / "sbatch").unlink()
    with pytest.raises(SystemExit):
        parse(["--engine", "slurm", "--public-url", URL], {})
    assert "needs sbatch, which this machine lacks" in capsys.readouterr().err
