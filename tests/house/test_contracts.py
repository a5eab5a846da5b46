"""Each import contract of pyproject.toml breaks on the import that it forbids."""

import re
import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.house.tree import PACKAGES, ROOT

MODULES = (
    "web_ui.app",
    "control_plane.app",
    "control_plane.db.engine",
    "control_plane.edge.endpoint",
    "control_plane.repos.git",
    "control_plane.task_store.operations",
    "store_client.client",
    "store_client.cli",
    "store_client.errors",
    "store_client.runner",
    "store_client.transport",
    "store_client.wire.call",
)


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """An empty house under the same contracts."""
    contracts = (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition("[tool.importlinter]")
    (tmp_path / "pyproject.toml").write_text(contracts[1] + contracts[2], encoding="utf-8")
    for module in (*PACKAGES, *MODULES):
        file = tmp_path.joinpath(*module.split("."), "__init__.py")
        file.parent.mkdir(parents=True, exist_ok=True)
        for folder in file.relative_to(tmp_path).parents[:-1]:
            (tmp_path / folder / "__init__.py").touch()
    return tmp_path


def broken(house: Path) -> list[str]:
    """The contracts that this house breaks."""
    linter = Path(sysconfig.get_path("scripts"), "lint-imports")
    told = subprocess.run([linter, "--no-cache"], cwd=house, capture_output=True, text=True, check=False)
    assert "Contracts:" in told.stdout, told.stdout + told.stderr
    return re.findall(r"^(.*) BROKEN", told.stdout, re.MULTILINE)


def test_an_empty_house_keeps_every_contract(house: Path) -> None:
    assert broken(house) == []


@pytest.mark.parametrize(
    ("module", "imported", "contract"),
    [
        ("web_ui.app", "control_plane.app", "Imports only go down"),
        ("store_client.client", "web_ui.app", "Imports only go down"),
        ("web_ui.app", "store_client.client", "The web UI sees the face"),
        ("web_ui.app", "store_client.cli", "The web UI sees the face"),
        ("control_plane.app", "store_client.client", "The control plane speaks the wire"),
        ("store_client.wire.call", "store_client.transport", "The language knows nothing"),
        ("store_client.client", "store_client.runner", "Nobody below imports"),
        ("store_client.runner", "store_client.cli", "Nobody below imports"),
        ("control_plane.repos.git", "control_plane.task_store.operations", "The wings of the control plane"),
        ("control_plane.db.engine", "control_plane.edge.endpoint", "The wings of the control plane"),
    ],
)
def test_a_contract_breaks_on_what_it_forbids(house: Path, module: str, imported: str, contract: str) -> None:
    package, _, name = imported.rpartition(".")
    house.joinpath(*module.split("."), "__init__.py").write_text(f"from {package} import {name}\n", encoding="utf-8")
    assert any(each.startswith(contract) for each in broken(house))
