"""Files and functions stay small enough to hold one idea."""

import ast
from collections.abc import Iterable, Iterator

from tests.house.tree import Source, keeps

LINES = {".py": 300, ".html": 150, ".css": 300, ".js": 300}
FUNCTION_LINES = 40
ARGUMENTS = 5
MIGRATIONS = "control_plane/db/migrations/versions/"  # a migration is a record of what happened, as long as it was


def offences(sources: Iterable[Source]) -> Iterator[str]:
    for source in sources:
        limit = LINES.get("." + source.path.rsplit(".", 1)[-1])
        if limit is None or source.path.startswith(MIGRATIONS):
            continue
        if len(source.lines) > limit:
            yield source.at(1, f"{len(source.lines)} lines, more than {limit}: which second idea moved in?")
        if source.path.endswith(".py"):
            yield from _long_functions(source)


def _long_functions(source: Source) -> Iterator[str]:
    for node in source.walk(ast.FunctionDef, ast.AsyncFunctionDef):
        assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        if length > FUNCTION_LINES:
            yield source.at(node.lineno, f"{node.name} has {length} lines, more than {FUNCTION_LINES}")
        named = [
            one for one in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs) if not _is_receiver(one)
        ]
        if len(named) > ARGUMENTS and source.package != "tests":
            yield source.at(node.lineno, f"{node.name} takes {len(named)} arguments, more than {ARGUMENTS}")


def _is_receiver(argument: ast.arg) -> bool:
    return argument.arg in {"self", "cls"}


def test_every_file_and_function_is_small(tree: list[Source]) -> None:
    keeps(offences(tree))


def test_a_long_file_is_noticed() -> None:
    bad = [Source(f"web_ui/long{suffix}", "\n" * (limit + 1)) for suffix, limit in LINES.items()]
    assert len(list(offences(bad))) == len(LINES)


def test_a_long_function_is_noticed() -> None:
    text = "def long():\n" + "    x = 1\n" * FUNCTION_LINES
    assert "long has 41 lines" in next(offences([Source("web_ui/x.py", text)]))


def test_a_function_of_six_arguments_is_noticed() -> None:
    assert "takes 6 arguments" in next(offences([Source("web_ui/x.py", "def f(self, a, b, c, d, *, e, g): ...")]))


def test_a_long_migration_is_let_be() -> None:
    assert list(offences([Source(MIGRATIONS + "0001_first.py", "\n" * 301)])) == []
