"""What an executor hands in: a commit and what it changes, or why it could not be done."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from starlette.datastructures import FormData, UploadFile

from web_ui.forms.field import Field, has_errors, text, too_long, uploads

COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
WORK_BRANCH = re.compile(r"work/\S{1,390}")


COMMIT_FIELD = Field("commit", "Commit", hint="The newest push to this task's branch is chosen; you may pick another.")
PASTED = Field(
    "pasted", "Another commit", hint="Its whole id, as git rev-parse HEAD prints it. It counts before the one above."
)
BRANCH = Field(
    "branch", "Branch", hint="Where it was pushed, beginning with work/. A variant is integrated from its branch."
)
DESCRIPTION = Field("description", "What did you change?", hint="Shown to evaluators, and with the variant.")
REASON = Field("reason", "Why could it not be done?", hint="Kept with the failed variant.")


@dataclass(frozen=True)
class ExecutionForm:
    """The form as the page draws it; `fault` is what stands above it."""

    commit: Field = COMMIT_FIELD
    pasted: Field = PASTED
    description: Field = DESCRIPTION
    reason: Field = REASON
    branch: Field = BRANCH
    fault: str = ""

    @property
    def fields(self) -> tuple[Field, ...]:
        return (self.commit, self.pasted, self.branch, self.description, self.reason)

    @property
    def chosen(self) -> str:
        """The commit that is meant."""
        return self.pasted.value.lower() or self.commit.value

    def refuse(self, error: str) -> "ExecutionForm":
        """The form with something wrong about the commit that is meant."""
        if self.pasted.value:
            return replace(self, pasted=self.pasted.wrong(error))
        return replace(self, commit=self.commit.wrong(error))


@dataclass(frozen=True)
class ExecutionDraft:
    """A commit to hand in."""

    commit_sha: str
    description: str
    files: Sequence[UploadFile]
    branch: str = ""


@dataclass(frozen=True)
class GivenUp:
    """It could not be done, and why."""

    reason: str
    files: Sequence[UploadFile]


def entered(form: FormData) -> ExecutionForm:
    """The form with what was typed."""
    blank = ExecutionForm()
    return ExecutionForm(
        commit=blank.commit.entered(form),
        pasted=blank.pasted.entered(form),
        description=blank.description.entered(form),
        reason=blank.reason.entered(form),
        branch=blank.branch.entered(form),
    )


def over(form: ExecutionForm, draft: FormData) -> ExecutionForm:
    """A form with what a draft says in the place of what it holds, wherever the draft says something."""
    typed = entered(draft)
    names = ("commit", "pasted", "description", "reason", "branch")
    return replace(form, **{name: one for name in names if (one := getattr(typed, name)).value})


def draft(form: FormData) -> ExecutionDraft | ExecutionForm:
    """The draft, or the form with what is wrong."""
    typed = entered(form)
    if not typed.chosen:
        typed = typed.refuse("Push a commit to your branch, or paste its id.")
    elif COMMIT.fullmatch(typed.chosen) is None:
        typed = typed.refuse("This is not a whole commit id: 40 or 64 digits, as git rev-parse HEAD prints it.")
    typed = replace(typed, description=typed.description.wrong(too_long(typed.description.value)))
    typed = replace(typed, branch=typed.branch.wrong(_fault_of_branch(typed.branch.value)))
    if has_errors(typed.fields):
        return typed
    return ExecutionDraft(typed.chosen, typed.description.value, uploads(form, "files"), typed.branch.value)


def _fault_of_branch(name: str) -> str:
    return "" if not name or WORK_BRANCH.fullmatch(name) else "A branch of an executor begins with work/."


def given_up(form: FormData) -> GivenUp | ExecutionForm:
    """Why it could not be done, or the form asking for it."""
    typed = entered(form)
    error = too_long(typed.reason.value) or (
        "" if typed.reason.value else "Say it in a sentence: whoever tries next will read it."
    )
    if error:
        return replace(typed, reason=typed.reason.wrong(error))
    return GivenUp(text(form, "reason"), uploads(form, "files"))
