"""The form in which a password is chosen, twice, since nobody sees what they type."""

from dataclasses import dataclass

from starlette.datastructures import FormData

from web_ui.forms.field import secret

LEAST, MOST = 10, 200


@dataclass(frozen=True)
class Chosen:
    """A password that can be set, or what is wrong with it."""

    password: str = ""
    problem: str = ""


def chosen(form: FormData) -> Chosen:
    password = secret(form, "password")
    if len(password) < LEAST:
        return Chosen(problem=f"A password has at least {LEAST} characters. A few words in a row are easy to remember.")
    if len(password) > MOST:
        return Chosen(problem=f"A password has at most {MOST} characters.")
    if password != secret(form, "again"):
        return Chosen(problem="The two passwords are not the same. Type both again.")
    return Chosen(password)
