"""The import laws that no contract can say: floors inside a wing, and one file per outside library."""

import ast
import sys
from collections.abc import Iterable, Iterator

import pytest

from tests.house.tree import Source, keeps

HOMES = {
    "alembic": ("control_plane/db/",),
    "argon2": ("control_plane/registry/passwords.py",),
    "git": ("control_plane/repos/git.py", "web_ui/repos.py"),
    "httpx": ("store_client/transport.py",),
    "itsdangerous": ("web_ui/session.py",),
    "jinja2": ("web_ui/templating.py",),
    "joserfc": ("control_plane/registry/signatures.py",),
    "markdown_it": ("web_ui/prose.py",),
    "psycopg": ("control_plane/db/",),
    "pynvml": ("control_plane/scheduler/gpus.py",),
    "sqlalchemy.create_engine": ("control_plane/db/",),
    "sqlalchemy.dialects": ("control_plane/db/",),
    "sse_starlette": ("control_plane/edge/",),
    "sqlite3": ("control_plane/db/",),
}
OUTSIDE = {"asyncio", "git", "httpx", "os", "pynvml", "socket", "subprocess", "sqlalchemy"}
IMPURE = {
    "os",
    "pathlib",
    "random",
    "secrets",
    "shutil",
    "socket",
    "sqlite3",
    "subprocess",
    "threading",
    "time",
    "asyncio",
}
PURE = (sys.stdlib_module_names - IMPURE) | {"pydantic"}


def imports(source: Source) -> Iterator[tuple[int, str]]:
    """Every module the file imports, and every name it takes from one."""
    for node in source.walk(ast.Import, ast.ImportFrom):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def strays(sources: Iterable[Source]) -> Iterator[str]:
    """Outside libraries away from home."""
    for source in sources:
        for line, module in imports(source):
            for library, homes in HOMES.items():
                if _is_within(module, library) and not source.path.startswith(homes):
                    yield source.at(line, f"imports {module}, which lives in {' and '.join(homes)}")


def environment_readers(sources: Iterable[Source]) -> Iterator[str]:
    """All but settings, and the file that runs inside a job, where the environment is all there is to know."""
    for source in sources:
        if not source.path.endswith("/settings.py") and source.path != "store_client/report.py":
            for node in source.walk(ast.Attribute):
                if isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.getenv", "os.environb"}:
                    yield source.at(node.lineno, "reads the environment, which settings.py does")


def mixed_rules(sources: Iterable[Source]) -> Iterator[str]:
    """Rules that know more than wire, errors and one another."""
    for source in sources:
        wing = _room(source, "rules")
        allowed = ("store_client.wire", "store_client.errors", f"control_plane.{wing}.rules")
        for line, module in imports(source) if wing else ():
            pure = module.split(".")[0] in PURE or any(_is_within(module, each) for each in allowed)
            if not pure and module != f"control_plane.{wing}.rules":
                yield source.at(line, f"a rule is pure and does not import {module}")


def mixed_operations(sources: Iterable[Source]) -> Iterator[str]:
    """Operations that reach past the database."""
    for source in sources:
        if _room(source, "operations"):
            for line, module in imports(source):
                if module.split(".")[0] in OUTSIDE - {"sqlalchemy"}:
                    yield source.at(line, f"an operation touches only the database, not {module}")


def faces(sources: Iterable[Source]) -> Iterator[str]:
    """The control plane importing the client's face, which the contract cannot tell from the package above wire."""
    for source in sources:
        if source.package == "control_plane":
            for line, module in imports(source):
                if _is_within(module, "store_client") and not module.startswith(
                    ("store_client.wire", "store_client.errors")
                ):
                    yield source.at(line, f"the control plane imports only wire and errors, not {module}")


def _is_within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def _room(source: Source, floor: str) -> str | None:
    """The wing whose floor this file is part of."""
    parts = [part.removesuffix(".py") for part in source.parts]
    return parts[1] if parts[0] == "control_plane" and floor in parts[2:] else None


LAWS = (strays, environment_readers, mixed_rules, mixed_operations, faces)


@pytest.mark.parametrize("law", LAWS)
def test_imports_keep_to_their_floor(law: type, product: list[Source]) -> None:
    keeps(law(product))


@pytest.mark.parametrize(
    ("law", "path", "text"),
    [
        (strays, "web_ui/app.py", "import httpx"),
        (strays, "control_plane/app.py", "from sqlalchemy import create_engine"),
        (strays, "control_plane/task_store/tasks.py", "from sqlalchemy.dialects.postgresql import insert"),
        (environment_readers, "web_ui/app.py", "import os\nhome = os.environ['HOME']"),
        (mixed_rules, "control_plane/task_store/rules/tasks.py", "from control_plane.db.transaction import Tx"),
        (mixed_rules, "control_plane/scheduler/rules.py", "import time"),
        (mixed_operations, "control_plane/task_store/operations/tasks.py", "import subprocess"),
        (faces, "control_plane/app.py", "from store_client import StoreClient"),
        (faces, "control_plane/app.py", "from store_client.client import StoreClient"),
    ],
)
def test_an_import_across_floors_is_noticed(law: type, path: str, text: str) -> None:
    assert len(list(law([Source(path, text)]))) == 1


def test_a_rule_may_know_the_wire_and_other_rules() -> None:
    known = ("enum", "store_client.wire.tasks", "control_plane.task_store.rules.tasks")
    text = "\n".join(f"from {module} import X" for module in known)
    assert list(mixed_rules([Source("control_plane/task_store/rules/ideas.py", text)])) == []
