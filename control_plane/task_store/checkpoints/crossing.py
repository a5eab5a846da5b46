"""What an archive's lines say of one another, and of the repository: checked before anything is written."""

from collections.abc import Iterator
from typing import Any

from control_plane.db.staging import Staging
from control_plane.task_store.checkpoints.ports import Placed
from store_client.errors import CheckpointInvalid

NOUNS = {"task": "tasks", "idea": "ideas", "variant": "variants"}
DANGLING = {
    "{} is a variant of idea {}, which is not in the archive": (
        "SELECT v.id, v.idea FROM variants v LEFT JOIN ideas i ON i.id = v.idea "
        "WHERE v.idea IS NOT NULL AND i.id IS NULL"
    ),
    "task {} is about {}, which is not in the archive": (
        "SELECT t.id, t.subject FROM tasks t LEFT JOIN ideas i ON i.id = t.subject "
        "LEFT JOIN variants v ON v.id = t.subject WHERE t.subject IS NOT NULL "
        "AND ((t.kind = 'execution' AND i.id IS NULL) OR (t.kind = 'evaluation' AND v.id IS NULL))"
    ),
    "task {} is {} but has no submission": (
        "SELECT t.id, t.state FROM tasks t LEFT JOIN submissions s ON s.id = t.id "
        "WHERE t.state IN ('submitted', 'completed') AND s.id IS NULL"
    ),
    "task {} is {} but does not say who submitted it": (
        "SELECT id, state FROM tasks WHERE state = 'submitted' AND submitted_by IS NULL"
    ),
    "variant {} is a {} without a commit": (
        "SELECT id, status FROM variants WHERE status = 'success' AND commit_sha IS NULL"
    ),
    **{
        f"event {{}} names the {noun} {{}}, which is not in the archive": (
            f"SELECT e.id, e.{noun} FROM events e LEFT JOIN {table} t ON t.id = e.{noun} "  # noqa: S608 - our own names
            f"WHERE e.{noun} IS NOT NULL AND t.id IS NULL"
        )
        for noun, table in NOUNS.items()
    },
}
"""What nobody may say of what is not there, by the query that finds who does."""
NAMED_VARIANT = "json_extract(json_extract(s.row, '$.payload'), '$.variant_id')"


def check_lines(stage: Staging) -> None:
    """CheckpointInvalid for the first reference that leads nowhere."""
    for words, query in DANGLING.items():
        found = stage.first(query + " LIMIT 1")
        if found is not None:
            raise CheckpointInvalid(words.format(*found))
    lost = stage.first(
        f"SELECT s.id, {NAMED_VARIANT} FROM submissions s JOIN tasks t ON t.id = s.id "  # noqa: S608 - our own words
        f"LEFT JOIN variants v ON v.id = {NAMED_VARIANT} "
        "WHERE t.kind != 'ideation' AND t.state = 'submitted' AND v.id IS NULL LIMIT 1"
    )
    if lost is not None:
        raise CheckpointInvalid(f"the submission of task {lost[0]} names variant {lost[1]}, which is not there")


def drop_leftovers(stage: Staging) -> int:
    """Forget what was submitted for tasks that are open again; how many there were."""
    open_again = "SELECT id FROM tasks WHERE state = 'pending'"
    found = stage.first(f"SELECT COUNT(*) FROM submissions WHERE id IN ({open_again})")  # noqa: S608 - our own words
    stage.change(f"DELETE FROM submissions WHERE id IN ({open_again})")  # noqa: S608 - our own words
    return int(found[0])


def check_repository(stage: Staging, placed: Placed) -> Iterator[str]:
    """CheckpointInvalid for commits and branches that the repository lacks; warnings for what may yet come."""
    wanted: dict[str, str] = dict(stage.rows("SELECT sha, place FROM commits"))
    missing = placed.missing(wanted)
    if missing:
        sha = min(missing)
        raise CheckpointInvalid(f"{wanted[sha]}: commit {sha} is not reachable in repo.bundle")
    unpushed: list[Any] = []
    for variant_id, branch, commit in stage.rows("SELECT id, branch, commit_sha FROM variants WHERE branch NOT NULL"):
        if branch not in placed.branches:
            if commit is not None:
                raise CheckpointInvalid(f"variant {variant_id}: its branch {branch} is not in repo.bundle")
            unpushed.append(variant_id)
    if unpushed:
        yield f"not pushed yet when the archive was written: the branches of {len(unpushed)} starting variants"
