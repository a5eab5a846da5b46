"""What is said of each error: what happened, and what to do about it."""

from dataclasses import dataclass

from store_client import (
    BadRequest,
    ExperimentIdMismatch,
    Forbidden,
    InvalidName,
    NotFound,
    NotOffered,
    PayloadTooLarge,
    ProtocolBroken,
    Refused,
    Unavailable,
    Unreachable,
    WorkerNotEligible,
    WorkerNotRegistered,
    WrongClaimant,
)
from web_ui.keyring import AdminRefused, NoCredential
from web_ui.missing import ConfigInvalid, ConfigMissing, NoSuchExperiment, StaleSelection, Unseeded
from web_ui.settings import Settings


@dataclass(frozen=True)
class Words:
    """How an error is told."""

    status: int
    headline: str
    advice: str


LOOK_AGAIN = "Nothing was changed. Go back and look at how things stand now."
NOTHING_IS_LOST = "Wait a moment and reload this page: nothing is lost, and work goes on by itself. "
TABLE: tuple[tuple[type[Exception], Words], ...] = (
    (NoSuchExperiment, Words(404, "There is no such experiment", "Pick one in the list at the top, or go home.")),
    (
        StaleSelection,
        Words(
            404,
            "The experiment you had selected is gone",
            "It is not selected any more, and nothing else has changed. Pick another one in the list at the top.",
        ),
    ),
    (
        Unseeded,
        Words(
            409,
            "This experiment has no data yet",
            "Create it in the task store or import a checkpoint of it there, then reload this page. "
            "The other experiments work meanwhile.",
        ),
    ),
    (
        ConfigInvalid,
        Words(
            409,
            "The config of this experiment cannot be read",
            "Put the file right and reload this page. The other experiments work meanwhile.",
        ),
    ),
    (
        ConfigMissing,
        Words(
            409,
            "The config of this experiment is missing",
            "Put a copy of its experiment.yaml there under that name and reload this page: only the config tells what "
            "is measured and what is best. The other experiments work meanwhile.",
        ),
    ),
    (
        NotOffered,
        Words(404, "Not on this server", "It speaks the protocol alone. Every page that is linked works with it."),
    ),
    (NotFound, Words(404, "This is not here", "It may have been deleted, or the address has a slip in it.")),
    (
        Forbidden,
        Words(
            403,
            "You may not do that",
            "Nothing was changed. Ask an administrator to do it or to let you.",
        ),
    ),
    (
        WorkerNotRegistered,
        Words(
            403,
            "You are not registered in this experiment",
            "Nothing was changed. Ask an administrator of this experiment to register you.",
        ),
    ),
    (WorkerNotEligible, Words(403, "This task is meant for somebody else", LOOK_AGAIN)),
    (WrongClaimant, Words(403, "Somebody else holds this task", LOOK_AGAIN)),
    (
        ExperimentIdMismatch,
        Words(
            502,
            "The task store took this for another experiment",
            "Nothing was changed. Something between this console and the task store changes addresses or headers: "
            "check the proxies there.",
        ),
    ),
    (
        PayloadTooLarge,
        Words(413, "That upload is too large", "Send a smaller file; put large data into the repository."),
    ),
    (BadRequest, Words(400, "That cannot be read", "Nothing was changed. Go back and use the page's own form.")),
    (InvalidName, Words(422, "That name cannot be used", "Nothing was changed. Go back and choose another one.")),
    (Refused, Words(409, "That cannot be done now", LOOK_AGAIN)),
    (
        Unavailable,
        Words(
            503,
            "{It} cannot serve this now",
            NOTHING_IS_LOST + "If it stays so, look at the log of {it} around this request.",
        ),
    ),
    (
        Unreachable,
        Words(503, "{It} does not answer", NOTHING_IS_LOST + "If it stays away, look at the log of {it}."),
    ),
    (
        ProtocolBroken,
        Words(
            502,
            "The control plane gave an answer we do not understand",
            "Check that this console and the control plane run the same version.",
        ),
    ),
)
LATE = Words(
    503,
    "{It} does not answer in time",
    "It took the request and is busy with something. " + NOTHING_IS_LOST + "If it stays so, look at the log of {it}.",
)
STRANGER = Words(
    502,
    "The control plane does not know this console",
    "Nobody was signed out. Start the console again with the credential in console-token of the data directory.",
)
REFUSED = Words(
    502,
    "Your credential was refused",
    "You are still signed in, and a new credential was refused just the same. Check that the control plane and the "
    "task store of this console belong to one deployment.",
)
NOT_LET_IN = Words(
    403,
    "The server does not take this console's credential",
    "Nobody was signed out. Put a good one into the console's credential file, or start the console with the server's "
    "admin token: then it has a lost one reissued.",
)
NO_CREDENTIAL = Words(
    403,
    "This console has no credential for this experiment",
    "Put one into the console's credential file and reload this page, or start the console with the server's admin "
    "token: then it makes one.",
)
NO_ADMIN = Words(
    403,
    "The server does not take the admin token",
    "Put the token of this server into the file that the console was started with, and reload this page. "
    "Experiments that the console has a credential for work meanwhile.",
)
HTTP = {
    404: Words(404, "There is no such page", "Check the address: it may have a slip in it."),
    405: Words(405, "This page cannot do that", "Go back and use the buttons of the page."),
    413: Words(413, "That form is too large", "Send less text; put large data into a file or into the repository."),
}
FOREIGN = Words(
    403,
    "This form was not sent from this console",
    "Nothing was done. Open the page here and send the form again.",
)


def words_of(error: Exception, settings: Settings) -> Words:
    """How an error is told: the first row that fits, with the service that it was."""
    is_late = isinstance(error, Unreachable) and error.is_late
    words = LATE if is_late else next(words for kind, words in TABLE if isinstance(error, kind))
    if not isinstance(error, Unreachable):
        return words
    it = service_of(error, settings)
    said = {"It": it[:1].upper() + it[1:], "it": it}
    return Words(words.status, words.headline.format_map(said), words.advice.format_map(said))


def service_of(error: Unreachable, settings: Settings) -> str:
    """Which of a console's two servers was silent."""
    is_store = settings.store_url != settings.control_plane_url and error.url == settings.store_url
    is_alone = settings.own is not None and settings.own.experiment_id is not None
    return "the task store" if is_store or is_alone else "the control plane"


def words_of_refused_credential(error: Exception) -> Words:
    """Of the credentials that a console holds itself: the admin token, none at all, or one that is not taken."""
    if isinstance(error, AdminRefused):
        return NO_ADMIN
    return NO_CREDENTIAL if isinstance(error, NoCredential) else NOT_LET_IN
