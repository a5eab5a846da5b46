"""What an ideator hands in: one or several ideas, each with a name, a priority, a parent and a text."""

import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from starlette.datastructures import FormData, UploadFile

from store_client import IdeaDraft, Target
from web_ui.forms.field import Field, has_errors, text, too_long
from web_ui.forms.members import Members

SLOTS, MOST_SLOTS, MOST_PARENTS = 3, 50, 8
STEMS = frozenset({"name", "priority", "parent", "content", "executor", "evaluator", "files"})
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
    executor: Field
    evaluator: Field

    @property
    def fields(self) -> tuple[Field, ...]:
        return (self.name, self.priority, self.parent, self.content, self.executor, self.evaluator)

    @property
    def files(self) -> str:
        """The field that its files are chosen in."""
        return f"files-{self.number}"

    @property
    def parents(self) -> tuple[str, ...]:
        """The commits that it builds on."""
        return tuple(dict.fromkeys(part.strip().lower() for part in self.parent.value.split(",") if part.strip()))

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
    is_warned: bool = False
    """Whether a name is taken, so that whoever submits has to say that this is meant."""

    @property
    def fields(self) -> tuple[Field, ...]:
        return tuple(field for slot in self.slots for field in slot.fields)

    @property
    def filled(self) -> tuple[Slot, ...]:
        return tuple(slot for slot in self.slots if not slot.is_blank)


@dataclass(frozen=True)
class Meant:
    """An idea to hand in, and who it is meant for; `files` is the field that its files were chosen in."""

    idea: IdeaDraft
    executor: Target | None
    evaluator: Target | None
    files: str


@dataclass(frozen=True)
class IdeationDraft:
    """Ideas to hand in."""

    ideas: tuple[Meant, ...]


def slot(number: int, parent: str) -> Slot:
    """An empty place for an idea."""
    return Slot(
        number,
        Field(f"name-{number}", "Name", hint="Becomes its slug."),
        Field(f"priority-{number}", "Priority", value=PRIORITY, hint="Higher goes first."),
        Field(f"parent-{number}", "Builds on", value=parent, hint="Its parent."),
        Field(f"content-{number}", "What to try, and why"),
        Field(f"executor-{number}", "Only this executor", hint="A worker or group; empty for anybody."),
        Field(f"evaluator-{number}", "Only this evaluator", hint="A worker or group; empty for anybody."),
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
        parent=place.parent.holding(",".join(parents)) if parents else place.parent,
        content=place.content.holding(draft.content),
    )


def entered(form: FormData) -> IdeationForm:
    """The form with what was typed, as many places as it had."""
    count = _place(text(form, "slots")) or SLOTS
    places = (slot(number, "") for number in range(1, min(count, MOST_SLOTS) + 1))
    return IdeationForm(tuple(Slot(one.number, *(field.entered(form) for field in one.fields)) for one in places))


def with_room(form: IdeationForm, parent: str) -> IdeationForm:
    """The form with one more place."""
    if len(form.slots) >= MOST_SLOTS:
        return form
    return replace(form, slots=(*form.slots, slot(len(form.slots) + 1, parent)))


def without(form: FormData, number: int) -> FormData:
    """What was sent, without one idea: those after it move up."""
    moved: list[tuple[str, str | UploadFile]] = []
    for name, value in form.multi_items():
        stem, _, end = name.rpartition("-")
        place = _place(end) if stem in STEMS else 0
        if name == "slots" and isinstance(value, str) and _place(value):
            moved.append((name, str(max(_place(value) - 1, 1))))
        elif place != number or not place:
            moved.append((f"{stem}-{place - 1}" if place > number else name, value))
    return FormData(moved)


def _place(typed: str) -> int:
    """A number as a form of ours has it; 0 for anything else."""
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 4 else 0


def building_on(form: IdeationForm, parent: str) -> IdeationForm:
    """The form with this parent wherever there is no idea yet; as it was without one."""
    if not parent:
        return form
    slots = (replace(one, parent=one.parent.holding(parent)) if one.is_blank else one for one in form.slots)
    return replace(form, slots=tuple(slots))


def settled(form: IdeationForm, parent: str) -> IdeationForm:
    """The form with a parent and a priority wherever nothing was chosen."""
    return replace(form, slots=tuple(_settled(one, parent) for one in form.slots))


def _settled(one: Slot, parent: str) -> Slot:
    return replace(
        one,
        parent=one.parent if one.parent.value else one.parent.holding(parent),
        priority=one.priority if one.priority.value else one.priority.holding(PRIORITY),
    )


def warned(form: IdeationForm, taken: Collection[str]) -> IdeationForm:
    """The form with a word beside each name that an idea of the experiment, or one above it, has already."""
    seen, slots = set(taken), []
    for one in form.slots:
        is_taken = not one.is_blank and one.slug in seen
        told = f"There is an idea called {one.slug} already." if one.slug in taken else "An idea above has this name."
        slots.append(replace(one, name=one.name.wrong(told)) if is_taken else one)
        seen.add(one.slug)
    return replace(form, slots=tuple(slots), is_warned=any(one.name.error for one in slots))


def draft(form: FormData, members: Members) -> IdeationDraft | IdeationForm:
    """The ideas, or the form with what is wrong."""
    typed = entered(form)
    checked = IdeationForm(tuple(one if one.is_blank else _checked(one, members) for one in typed.slots))
    filled = [one for one in checked.slots if not one.is_blank]
    if not filled:
        first = checked.slots[0]
        missing = replace(first, content=first.content.wrong("Write at least one idea."))
        return replace(checked, slots=(missing, *checked.slots[1:]))
    if has_errors(checked.fields):
        return checked
    return IdeationDraft(tuple(_meant(one, members) for one in filled))


def _checked(one: Slot, members: Members) -> Slot:
    content = one.content.value
    return replace(
        one,
        name=one.name.wrong("" if one.slug else "Give it a name with letters or digits."),
        priority=one.priority.wrong("" if _number(one.priority.value) is not None else "Enter a number, such as 0.5."),
        parent=one.parent.wrong("" if _are_commits(one.parents) else "Choose what it builds on."),
        content=one.content.wrong(too_long(content) if content else "Say what to try."),
        executor=members.checked(one.executor),
        evaluator=members.checked(one.evaluator),
    )


def _meant(one: Slot, members: Members) -> Meant:
    executor, evaluator = members.find(one.executor.value), members.find(one.evaluator.value)
    return Meant(
        _idea(one),
        executor if isinstance(executor, Target) else None,
        evaluator if isinstance(evaluator, Target) else None,
        one.files,
    )


def _idea(one: Slot) -> IdeaDraft:
    return IdeaDraft(one.slug, _number(one.priority.value) or 0.0, one.parents, one.content.value + "\n")


def _are_commits(parents: Sequence[str]) -> bool:
    return 0 < len(parents) <= MOST_PARENTS and all(COMMIT.fullmatch(one) for one in parents)


def _number(typed: str) -> float | None:
    try:
        value = float(typed.replace("_", "x"))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def slug_of(name: str) -> str:
    """Small letters, digits and single dashes."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:MAX_SLUG].strip("-")
