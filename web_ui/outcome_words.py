"""How an act of a desk that did not go through is told above its form, and with which HTTP status."""

from web_ui.workflows.outcomes import Declined, Stranded

FORGED = (
    "This form was changed on its way, is too old, or was opened for another task. "
    "Nothing was submitted. What you entered is below; look at it and submit again."
)
OVERTAKEN = (
    "You have claimed this task anew since this form was opened. "
    "Nothing was submitted yet. What you entered is below; look at it and submit again."
)
STRANDED = {
    "lost": (
        409,
        (
            "Your claim had ended, so nothing was submitted: {reason}. What you entered is below. "
            "If the task waits again, claim it in another tab, then submit here."
        ),
    ),
    "conflicting": (409, "You submitted another result for this task before, and that one stands: {reason}."),
    "unknown": (
        503,
        (
            "The control plane fell silent ({reason}), so nobody knows yet whether this arrived. "
            "Submit it again: however often it is sent, it lands once."
        ),
    ),
}


def tell(outcome: Declined | Stranded) -> tuple[int, str]:
    """The status and the sentence of an outcome."""
    if isinstance(outcome, Declined):
        return 422, f"The server refused this, so nothing was submitted: {outcome.reason}."
    status, words = STRANDED[outcome.kind]
    return status, words.format(reason=outcome.reason)
