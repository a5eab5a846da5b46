"""What an ideator hands in: one or several ideas, each with a name, a priority, a parent and a text."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from starlette.datastructures import FormData

from store_client import IdeaDraft
from web_ui.forms.field import Field, has_errors, text, too_long

SLOTS, MOST_SLOTS = 3, 50
PRIORITY = "0.5"
MAX_SLUG = 100
COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


@dataclass(frozen=True)
class Slot:
    """The fields of one idea."""

    number: int
    name: Field
    priority: Field
    parent: Field
    content: Field

    @property
    def fields(self) -> tuple[Field, ...]:
        return (self.name, self.priority, self.parent, self.content)

    @property
    def is_blank(self) -> bool:
        return not (self.name.value or self.content.value)

    @property
    def slug(self) -> str:
        """The name as it travels: from what was typed, else from how the text begins."""
        return slug_of(self.name.value) or slug_of(self.content.value.partition("\n")[0][:60])


@dataclass(frozen=True)
class IdeationForm:
    """The form as the page draws it; `fault` is what stands above it."""

    slots: tuple[Slot, ...]
    fault: str = ""

    @property
    def fields(self) -> tuple[Field, ...]:
        return tuple(field for slot in self.slots for field in slot.fields)


@dataclass(frozen=True)
class IdeationDraft:
    """Ideas to hand in."""

    ideas: tuple[IdeaDraft, ...]


def slot(number: int, parent: str) -> Slot:
    """An empty place for an idea."""
    return Slot(
        number,
        Field(f"name-{number}", "Name", hint="Becomes its slug."),
        Field(f"priority-{number}", "Priority", value=PRIORITY, hint="Higher goes first."),
        Field(f"parent-{number}", "Builds on", value=parent, hint="Its parent."),
        Field(f"content-{number}", "What to try, and why"),
    )


def blank(parent: str, count: int = SLOTS) -> IdeationForm:
    return IdeationForm(tuple(slot(number, parent) for number in range(1, count + 1)))


def of_drafts(drafts: Sequence[IdeaDraft], parent: str) -> IdeationForm:
    """The form with ideas filled in, and room for one more."""
    empty = blank(parent, min(len(drafts) + 1, MOST_SLOTS))
    filled = tuple(_holding(place, draft) for place, draft in zip(empty.slots, drafts, strict=False))
    return IdeationForm((*filled, *empty.slots[len(filled) :]))


def _holding(place: Slot, draft: IdeaDraft) -> Slot:
    parents = draft.parent_commits
    return replace(
        place,
        name=place.name.holding(draft.slug),
        priority=place.priority.holding(f"{draft.priority:g}"),
        parent=place.parent.holding(parents[0]) if parents else place.parent,
        content=place.content.holding(draft.content),
    )


def entered(form: FormData) -> IdeationForm:
    """The form with what was typed, as many places as it had."""
    typed = text(form, "slots")
    count = int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 4 else SLOTS
    places = (slot(number, "") for number in range(1, max(1, min(count, MOST_SLOTS)) + 1))
    return IdeationForm(tuple(Slot(one.number, *(field.entered(form) for field in one.fields)) for one in places))


def with_room(form: IdeationForm, parent: str) -> IdeationForm:
    """The form with one more place."""
    if len(form.slots) >= MOST_SLOTS:
        return form
    return replace(form, slots=(*form.slots, slot(len(form.slots) + 1, parent)))


def draft(form: FormData) -> IdeationDraft | IdeationForm:
    """The ideas, or the form with what is wrong."""
    typed = entered(form)
    checked = IdeationForm(tuple(one if one.is_blank else _checked(one) for one in typed.slots))
    filled = [one for one in checked.slots if not one.is_blank]
    if not filled:
        first = checked.slots[0]
        missing = replace(first, content=first.content.wrong("Write at least one idea."))
        return replace(checked, slots=(missing, *checked.slots[1:]))
    if has_errors(checked.fields):
        return checked
    return IdeationDraft(tuple(_idea(one) for one in filled))


def _checked(one: Slot) -> Slot:
    content = one.content.value
    return replace(
        one,
        name=one.name.wrong("" if one.slug else "Give it a name with letters or digits."),
        priority=one.priority.wrong("" if _number(one.priority.value) is not None else "Enter a number, such as 0.5."),
        parent=one.parent.wrong("" if COMMIT.fullmatch(one.parent.value) else "Choose what it builds on."),
        content=one.content.wrong(too_long(content) if content else "Say what to try."),
    )


def _idea(one: Slot) -> IdeaDraft:
    return IdeaDraft(one.slug, _number(one.priority.value) or 0.0, (one.parent.value,), one.content.value + "\n")


def _number(typed: str) -> float | None:
    try:
        value = float(typed.replace("_", "x"))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def slug_of(name: str) -> str:
    """Small letters, digits and single dashes."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:MAX_SLUG].strip("-")
