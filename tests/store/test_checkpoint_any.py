"""Checkpoints under whatever comes: archives of made-up lines, and exports in the middle of work."""

import copy
import json
import random
import threading
from typing import Any

import pytest

from store_client.errors import Refused
from tests.store.foreign import GROUP, LANDING, WORKER
from tests.store.task_house import BASE, TaskHouse, sha
from tests.store.vault import COUNTED, Parts, Vault, complete, pack, rows_of, unpack, vault

VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 1e308, 10**30, 2**63, "", "x", "\0", "a" * 3000, "\N{GRINNING FACE}", [], [None], {},
    {"a": None},
    ["a"] * 3, "2025-05-05T05:05:05Z", "9999-99-99T99:99:99Z", WORKER, GROUP, LANDING, BASE, BASE.upper(), "work/a/b",
    f"checkpoint:sha256:{0:064}", f"eden://artifacts/{0:032}", "submitted", "claimed", "completed", "success", "error",
    "baseline", "execution",
)  # fmt: skip
KEYS = ("x", "kind", "claim", "target", "evaluation", "artifacts_uri", "payload", "\0")


def made_up(value: Any, chance: random.Random) -> Any:
    """The value with something in it replaced, added or gone."""
    if isinstance(value, dict) and value and chance.random() < 0.8:
        key, act = chance.choice(list(value)), chance.random()
        if act < 0.15:
            del value[key]
        elif act < 0.25:
            value[chance.choice(KEYS)] = chance.choice(VALUES)
        else:
            value[key] = made_up(value[key], chance)
        return value
    if isinstance(value, list) and value and chance.random() < 0.6:
        place = chance.randrange(len(value))
        value[place] = made_up(value[place], chance)
        return value
    return copy.deepcopy(chance.choice(VALUES))


def odd(parts: Parts, chance: random.Random) -> Parts:
    """The archive with a few odd lines, or an odd manifest."""
    for _ in range(chance.choice((1, 1, 2, 5))):
        name = chance.choice((*COUNTED, "manifest", "experiment"))
        if name not in COUNTED:
            parts = {**parts, f"{name}.json": json.dumps(made_up(json.loads(parts[f"{name}.json"]), chance)).encode()}
        elif rows := rows_of(parts, name):
            place = chance.randrange(len(rows))
            rows[place] = made_up(rows[place], chance)
            parts = {**parts, f"{name}.jsonl": b"".join(json.dumps(row).encode() + b"\n" for row in rows)}
    return parts


def must_be_refused_or_whole(here: Vault, native: Parts, rounds: int, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - what is made up need not be secret
    for _ in range(rounds):
        try:
            parts = odd(dict(native), chance)
        except (TypeError, AttributeError):
            continue  # it made the same line up twice, out of what was no line any more
        before = here.everything()
        try:
            made = here.load(pack(parts))
        except Refused:
            assert here.everything() == before
        else:
            here.load(here.save(made.experiment_id))


def busy(store: TaskHouse, here: Vault) -> Parts:
    complete(store)
    variant_id = store.executed(5, artifacts_uri=here.deposit(store, b"because", "why.md"))
    store.evaluated(variant_id, accuracy=0.5, note=None, steps=3)
    store.claim(store.task())
    task_id, _, begun = store.executing()
    store.submit(task_id, variant_id=begun, status="success", commit_sha=sha(9))
    return unpack(here.save(store.experiment_id))


def test_no_made_up_line_is_more_than_a_refusal(sqlite_store: TaskHouse, here: Vault) -> None:
    must_be_refused_or_whole(here, busy(sqlite_store, here), rounds=60, seed=3)


@pytest.mark.long
def test_no_made_up_line_is_more_than_a_refusal_for_long(store: TaskHouse, tmp_path: Any) -> None:
    here = vault(store.house, tmp_path / "here")
    must_be_refused_or_whole(here, busy(store, here), rounds=1000, seed=4)


def test_an_export_in_the_middle_of_work_is_of_one_moment(store: TaskHouse, tmp_path: Any) -> None:
    complete(store)
    here, is_over = vault(store.house, tmp_path / "here"), threading.Event()

    def work() -> None:
        while not is_over.is_set():
            store.task("execution", store.idea())

    working = threading.Thread(target=work)
    working.start()
    try:
        archives = [here.save(store.experiment_id) for _ in range(8)]
    finally:
        is_over.set()
        working.join(60)
    for parts in map(unpack, archives):
        told = [event["type"] for event in rows_of(parts, "events")]
        tasks, ideas = rows_of(parts, "tasks"), rows_of(parts, "ideas")
        assert told.count("task.created") == told.count("idea.dispatched") == len(tasks)
        assert told.count("idea.drafted") == len(ideas)
        assert sum(idea["state"] == "dispatched" for idea in ideas) == len(tasks)
    here.load(archives[-1])
