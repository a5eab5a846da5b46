"""Prepared questions on several jobs at a time, which a database answers in one go."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import BindParameter, RowMapping, Select, UpdateBase, bindparam

from control_plane.db.question import Question
from control_plane.db.transaction import Tx

SIZES = (1, 8, 64)
"""A question is rendered for so many jobs; where there are fewer, the rest of the places name none."""
NOBODY = ""
Ask = Callable[[Sequence[BindParameter[Any]]], Select[Any] | UpdateBase]


class Several:
    """One question, whose answer has the rows of all the jobs that are asked for."""

    def __init__(self, ask: Ask) -> None:
        names: list[BindParameter[Any]] = [bindparam(f"id{number}") for number in range(SIZES[-1])]
        self._forms = {size: Question(ask(names[:size])) for size in SIZES}

    def all(self, tx: Tx, job_ids: Iterable[str]) -> Iterator[RowMapping]:
        """The rows of these jobs, in any order."""
        ids = list(job_ids)
        for at in range(0, len(ids), SIZES[-1]):
            some = ids[at : at + SIZES[-1]]
            size = next(size for size in SIZES if size >= len(some))
            some += [NOBODY] * (size - len(some))
            yield from self._forms[size].all(tx.batch.bare, {f"id{number}": of for number, of in enumerate(some)})
