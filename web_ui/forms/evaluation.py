"""What an evaluator hands in: the metrics that were measured, typed by the experiment's schema, and what they mean."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from pydantic import JsonValue
from starlette.datastructures import FormData, UploadFile

from web_ui.forms import measures
from web_ui.forms.field import Field, has_errors, text, too_long, uploads
from web_ui.forms.measures import Row

Status = Literal["success", "error", "evaluation_error"]
OUTCOMES = (
    ("success", "Measured"),
    ("error", "The variant is at fault: it cannot be measured"),
    ("evaluation_error", "I could not evaluate it: the variant may be measured again"),
)
HINTS = {"integer": "A whole number", "real": "A number", "text": "Words"}
MODES = {"integer": "numeric", "real": "decimal", "text": ""}
MOST_DIGITS = 300
OUTCOME = Field("status", "Outcome", value="success")
NOTES = Field("notes", "Notes", hint="Optional. Kept with the variant as a file.")


@dataclass(frozen=True)
class EvaluationForm:
    """The form as the page draws it; `fault` is what stands above it."""

    metrics: tuple[Field, ...]
    outcome: Field = OUTCOME
    notes: Field = NOTES
    fault: str = ""
    rows: tuple[Row, ...] = ()
    """Where the schema is not known: a name and a value for each metric."""

    @property
    def fields(self) -> tuple[Field, ...]:
        return (self.outcome, *self.metrics, *(field for row in self.rows for field in row.fields), self.notes)


@dataclass(frozen=True)
class EvaluationDraft:
    """What was measured."""

    status: Status
    metrics: dict[str, JsonValue]
    notes: str
    files: Sequence[UploadFile]


def blank(schema: Mapping[str, str]) -> EvaluationForm:
    """A field for each metric."""
    fields = (
        Field(f"metric.{name}", name, hint=f"{HINTS[kind]}; leave empty if it was not measured.", mode=MODES[kind])
        for name, kind in schema.items()
    )
    return EvaluationForm(tuple(fields), rows=() if schema else measures.blank())


def with_room(form: EvaluationForm) -> EvaluationForm:
    """The form with room for one more metric."""
    return replace(form, rows=measures.with_room(form.rows))


def entered(form: FormData, schema: Mapping[str, str]) -> EvaluationForm:
    """The form with what was typed."""
    empty = blank(schema)
    return EvaluationForm(
        tuple(field.entered(form) for field in empty.metrics),
        OUTCOME.entered(form),
        NOTES.entered(form),
        rows=measures.entered(form) if empty.rows else (),
    )


def over(form: EvaluationForm, draft: FormData, schema: Mapping[str, str]) -> EvaluationForm:
    """A form with what a draft says in the place of what it holds, wherever the draft says something."""
    typed = entered(draft, schema)
    metrics = tuple(one if one.value else before for before, one in zip(form.metrics, typed.metrics, strict=True))
    is_told = any(field.value for field in (*typed.metrics, typed.notes)) or typed.outcome.value != OUTCOME.value
    return EvaluationForm(
        metrics,
        typed.outcome if is_told and typed.outcome.value else form.outcome,
        typed.notes if typed.notes.value else form.notes,
        rows=typed.rows or form.rows,
    )


def draft(form: FormData, schema: Mapping[str, str]) -> EvaluationDraft | EvaluationForm:
    """The draft, or the form with what is wrong."""
    typed = entered(form, schema)
    status: Status | None = next((one for one in get_args(Status) if one == typed.outcome.value), None)
    read = [_read(kind, field.value) for kind, field in zip(schema.values(), typed.metrics, strict=True)]
    metrics = tuple(
        field.wrong(value.said) if isinstance(value, Wrong) else field
        for field, value in zip(typed.metrics, read, strict=True)
    )
    rows = measures.checked(typed.rows)
    measured = {name: value for name, value in zip(schema, read, strict=True) if value is not None}
    is_measured = bool(measured or measures.measured(rows))
    outcome = typed.outcome
    if status is None:
        outcome = outcome.wrong("Choose one of the three.")
    elif status == "success" and not is_measured:
        outcome = outcome.wrong("Enter at least one metric, or choose another outcome.")
    notes = typed.notes.wrong(too_long(typed.notes.value))
    checked = replace(typed, metrics=metrics, outcome=outcome, notes=notes, rows=rows)
    if has_errors(checked.fields) or status is None:
        return checked
    values: dict[str, JsonValue] = {name: value for name, value in measured.items() if not isinstance(value, Wrong)}
    values |= measures.measured(rows)
    return EvaluationDraft(status, values, text(form, "notes"), uploads(form, "files"))


def measured_so_far(form: EvaluationForm, schema: Mapping[str, str]) -> dict[str, JsonValue]:
    """The metrics of a form that read as what they should be."""
    read = ((name, _read(kind, field.value)) for (name, kind), field in zip(schema.items(), form.metrics, strict=True))
    told = {name: value for name, value in read if value is not None and not isinstance(value, Wrong)}
    return told | {name: value for name, value in measures.measured(form.rows).items() if name}


@dataclass(frozen=True)
class Wrong:
    """What is wrong with a value."""

    said: str


def _read(kind: str, typed: str) -> JsonValue | Wrong:
    """A value of the schema's type; None when nothing was typed."""
    if not typed:
        return None
    if kind == "text":
        return Wrong(too_long(typed)) if too_long(typed) else typed
    return _integer(typed) if kind == "integer" else _real(typed)


def _integer(typed: str) -> int | Wrong:
    try:
        return int(typed.replace("_", "x")) if len(typed) < MOST_DIGITS else Wrong("This number is too long.")
    except ValueError:
        return Wrong("Enter a whole number, such as 12.")


def _real(typed: str) -> float | Wrong:
    try:
        value = float(typed.replace("_", "x"))
    except ValueError:
        return Wrong("Enter a number, such as 0.9811.")
    return value if math.isfinite(value) else Wrong("Enter a finite number, such as 0.9811.")
