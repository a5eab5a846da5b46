"""No module keeps state: tables are constants, and everything that changes has an owner."""

import ast
from collections.abc import Iterable, Iterator

import pytest

from tests.house.tree import Source, keeps

MAKERS = {
    "list", "dict", "set", "defaultdict", "deque", "OrderedDict", "Counter", "WeakValueDictionary", "Lock", "RLock",
    "Event", "Queue", "Semaphore",
}  # fmt: skip
CHANGES = {"append", "add", "update", "pop", "popitem", "clear", "setdefault", "extend", "insert", "remove", "discard"}
DISPLAYS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)


def offences(sources: Iterable[Source]) -> Iterator[str]:
    for source in sources:
        tables = set()
        for line, name, value in _module_names(source):
            if _is_mutable(value) and not name.isupper() and not name.startswith("__"):
                yield source.at(line, f"{name} is module-level state; a constant table is written in capitals")
            tables.add(name)
        yield from _changes(source, tables)


def _module_names(source: Source) -> Iterator[tuple[int, str, ast.expr]]:
    for node in source.syntax.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        value = getattr(node, "value", None)
        yield from (
            (node.lineno, each.id, value) for each in targets if isinstance(each, ast.Name) and value is not None
        )


def _is_mutable(value: ast.expr) -> bool:
    return isinstance(value, DISPLAYS) or (isinstance(value, ast.Call) and _last_name(value.func) in MAKERS)


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _changes(source: Source, tables: set[str]) -> Iterator[str]:
    for node in ast.walk(source.syntax):
        match node:
            case ast.Global(names=names):
                yield source.at(node.lineno, f"global {', '.join(names)}")
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=act)) if name in tables and act in CHANGES:
                yield source.at(node.lineno, f"{name}.{act}() changes a module's table")
            case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()) if name in tables:
                yield source.at(node.lineno, f"{name}[…] changes a module's table")
            case ast.FunctionDef(decorator_list=decorators) if any(map(_caches_for_ever, decorators)):
                yield source.at(node.lineno, f"{node.name} caches without bound or owner")


def _caches_for_ever(decorator: ast.expr) -> bool:
    if isinstance(decorator, ast.Call):
        size = [each.value for each in decorator.keywords if each.arg == "maxsize"] + decorator.args
        unbounded = not size or (isinstance(size[0], ast.Constant) and size[0].value is None)
        return _last_name(decorator.func) == "lru_cache" and unbounded
    return _last_name(decorator) in {"cache", "lru_cache"}


def test_no_module_keeps_state(product: list[Source]) -> None:
    keeps(offences(product))


@pytest.mark.parametrize(
    "text",
    [
        "seen = []",
        "waiting: dict[str, int] = {}",
        "lock = threading.Lock()",
        "def f():\n    global seen",
        "MOVES = {}\ndef f():\n    MOVES['claim'] = 1",
        "MOVES = {}\ndef f():\n    MOVES.update(claim=1)",
        "@functools.cache\ndef f(): ...",
        "@lru_cache(maxsize=None)\ndef f(): ...",
    ],
)
def test_state_in_a_module_is_noticed(text: str) -> None:
    assert len(list(offences([Source("web_ui/x.py", text)]))) == 1


@pytest.mark.parametrize(
    "text", ["MOVES = {'claim': 1}", "__all__ = ['x']", "def f():\n    seen = []\n    seen.append(1)"]
)
def test_tables_and_locals_are_let_be(text: str) -> None:
    assert list(offences([Source("web_ui/x.py", text)])) == []
