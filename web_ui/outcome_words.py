"""How an act of a desk that did not go through is told above its form."""

from web_ui.workflows.outcomes import Declined

FORGED = (
    "This form was changed on its way, is too old, or was opened for another task. "
    "Nothing was submitted. What you entered is below; look at it and submit again."
)
OVERTAKEN = (
    "You have claimed this task anew since this form was opened. "
    "Nothing was submitted yet. What you entered is below; look at it and submit again."
)


def tell(outcome: Declined) -> str:
    """A refusal of what was entered."""
    return f"The server refused this, so nothing was submitted: {outcome.reason}."
