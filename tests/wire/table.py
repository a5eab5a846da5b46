"""`docs/wire.md`, written from the table of calls; run this file to print it."""

from collections.abc import Iterable, Mapping

from store_client.errors import kinds
from store_client.wire.calls import CALLS
from store_client.wire.description import Described, Field
from store_client.wire.refusals import REFUSALS

HEAD = """# The wire

Written from the table of calls in `store_client/wire/calls/`; a test compares this page with it. `/v0` is the EDEN
protocol ([protocol.md](protocol.md)); `/api` is Switchyard's own.

- Every request carries `Authorization: Bearer <worker id>:<token>`, or `admin:<admin token>`. Calls below
  `/v0/experiments/{experiment_id}` also carry `X-Eden-Experiment-Id`, equal to the id in the path.
- A worker is one of the experiment in the path, or, where the path names none, one of the deployment.
- Bodies and answers are `application/json; charset=utf-8`; an answer without a type below has no bytes at all.
- Optional fields are left out, never null. Unknown fields are refused in requests where the protocol closes them.
- A refusal is `application/problem+json`, its `type` one of those at the end of this page. Any call may be refused with
  401 `unauthorized`; with 403 `forbidden` outside its gate, and every write of a viewer; with 400 `bad-request` and 413
  `payload-too-large` where it has a body or a query; with 400 `experiment-id-mismatch` where it needs the header; with
  404 `not-found` where its path names something. What else it may be refused with stands with it.
- The same as OpenAPI 3.1, with every record: `/openapi.json` on the control plane, and under Reference in the console.
"""


def write() -> str:
    """The whole page."""
    rows = [Described(call) for call in CALLS]
    nouns = dict.fromkeys(row.noun for row in rows)
    parts = [HEAD, *(_noun(noun, [row for row in rows if row.noun == noun]) for noun in nouns), _errors()]
    return "\n".join(parts)


def _noun(noun: str, rows: Iterable[Described]) -> str:
    return "\n".join([f"## {noun.capitalize()}\n", *(_call(row) for row in rows)])


def _call(row: Described) -> str:
    call = row.call
    success = f"{call.status} {f'`{row.answer}`' if row.answer else 'without a body'}"
    refusals = sorted(set(REFUSALS.get(call.name, ())), key=lambda kind: (kind.status, kind.__name__))
    refused = ", ".join(f"{kind.status} `{kind.type().rpartition('/')[2]}`" for kind in refusals)
    sentences = [call.summary, f"For {row.gate}", *([f"Takes `{row.upload}`"] if row.upload else [])]
    sentences += [f"Answers {success}", *([f"Refused with {refused}"] if refused else [])]
    lines = [f"### {call.name}\n", f"`{call.method} {call.path}`\n", ". ".join(sentences) + ".\n"]
    if row.query:
        lines.append(_table("query", row.query))
    if call.body is not None:
        lines.append(_table("body" if not call.body_is_optional else "body, which may be left out", row.body))
    return "\n".join(lines)


def _table(where: str, fields: Iterable[Field]) -> str:
    rows = [f"| {field.name} | {_cell(field)} | {field.note} |\n" for field in fields]
    return f"| {where} | type | |\n|---|---|---|\n{''.join(rows)}"


def _cell(field: Field) -> str:
    return field.type.replace("|", "\\|") + ("" if field.is_required else ", optional")


def _errors() -> str:
    by_status: Mapping[str, int] = {name: kind.status for name, kind in kinds().items()}
    rows = [f"| `{name}` | {status} | {kinds()[name].title} |\n" for name, status in sorted(by_status.items())]
    return f"## Errors\n\n| type | status | title |\n|---|---|---|\n{''.join(rows)}"


if __name__ == "__main__":
    print(write(), end="")  # noqa: T201 - printing the page is what running this file is for
