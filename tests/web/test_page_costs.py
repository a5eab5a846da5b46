"""What a page may cost: a bounded number of calls and of statements, and bounded HTML, however long its lists are."""

import threading
from pathlib import Path
from typing import Any

from sqlalchemy import event

from tests.bench.bench_pages import PAGES
from tests.bench.big_yard import open_yard

TASKS = 1_000
"""Every list of the big experiment fills its page then, and most are followed by others."""
MOST_CALLS, MOST_STATEMENTS, MOST_BYTES = 20, 120, 150_000
"""A call or a statement for each row of a page would be more than twice as many; a list that is read anew is none."""


async def test_no_page_asks_for_each_row_by_itself_and_none_is_large(tmp_path: Path) -> None:
    statements: list[str] = []
    dear: dict[str, tuple[int, int, int]] = {}
    async with open_yard(tmp_path, TASKS) as yard:
        world, browser = yard.world, await yard.world.signed_in()

        def note(*said: Any) -> None:
            if threading.current_thread().name.startswith("reader"):  # and not for what goes on beside the pages
                statements.append(said[2])

        event.listen(world.parts.house.database.engine, "before_cursor_execute", note)
        for page in PAGES:
            statements.clear()
            world.line.calls.clear()
            answer = await browser.get(page.format(big=yard.big))
            assert answer.status_code == 200, f"{page}: {answer.status_code}"
            cost = len(world.line.calls), len(statements), len(answer.content)
            if any(spent > most for spent, most in zip(cost, (MOST_CALLS, MOST_STATEMENTS, MOST_BYTES), strict=True)):
                dear[page] = cost
    assert dear == {}
