"""The claim a form works under, carried by the form itself, signed: no server memory, and a forged one is noticed."""

from store_client import Claim
from web_ui.session import Cookies

FIELD = "claim"


def seal(cookies: Cookies, experiment_id: str, task_id: str, claim: Claim) -> str:
    """The claim as the text of a hidden field."""
    return cookies.sign([experiment_id, task_id, claim.worker_id, claim.claimed_at])


def unseal(cookies: Cookies, text: str, experiment_id: str, task_id: str) -> Claim | None:
    """The claim of a hidden field; None when it is forged, too old, or of another task or experiment."""
    value = cookies.unsign(text)
    if not isinstance(value, list) or len(value) != 4 or value[:2] != [experiment_id, task_id]:
        return None
    return Claim(worker_id=value[2], claimed_at=value[3])
