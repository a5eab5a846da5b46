"""Every `except` names its error, save where a loop or an edge must outlive anything."""

import ast
from collections.abc import Iterable, Iterator

import pytest

from tests.house.tree import Source, keeps

BROAD = {"Exception", "BaseException"}
MAY_CATCH_ALL = {
    "control_plane/db/writer.py": "whatever an operation raises is the answer of its own caller, not of the batch",
    "control_plane/edge/rounds.py": "one round must not end the rounds",
    "control_plane/orchestrator/loop.py": "a round over one experiment must not end the loop",
    "control_plane/scheduler/hands.py": "one attempt that cannot be seen to must not end the thread of the others",
    "control_plane/scheduler/loop.py": "a round must not end the loop",
    "control_plane/scheduler/rounds.py": "one attempt that cannot be looked at must not keep a round from the others",
    "store_client/runner/endure.py": "one task, or one experiment, must not end the hosts of the others",
}


def offences(sources: Iterable[Source]) -> Iterator[str]:
    for source in sources:
        for node in source.walk(ast.ExceptHandler):
            assert isinstance(node, ast.ExceptHandler)
            if source.path not in MAY_CATCH_ALL and _is_broad(node.type):
                yield source.at(node.lineno, "catches everything: name the error")


def _is_broad(caught: ast.expr | None) -> bool:
    names = {node.id for node in ast.walk(caught) if isinstance(node, ast.Name)} if caught else BROAD
    return bool(names & BROAD)


def test_every_except_names_its_error(product: list[Source]) -> None:
    keeps(offences(product))


def test_no_place_that_may_catch_all_is_listed_in_vain(product: list[Source]) -> None:
    catching = {
        source.path
        for source in product
        for node in source.walk(ast.ExceptHandler)
        if isinstance(node, ast.ExceptHandler) and _is_broad(node.type)
    }
    assert MAY_CATCH_ALL.keys() - catching == set()


@pytest.mark.parametrize("clause", ["except:", "except Exception:", "except (ValueError, BaseException) as error:"])
def test_a_broad_except_is_noticed(clause: str) -> None:
    assert len(list(offences([Source("web_ui/x.py", f"try:\n    f()\n{clause}\n    pass")]))) == 1
