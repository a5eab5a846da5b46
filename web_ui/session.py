"""The session cookie and the signed values in forms: what the browser keeps, and cannot change.

The cookie holds a session's secret, which only a console may trade for a credential; no bearer reaches the browser.
"""

import hashlib
from dataclasses import asdict, astuple, dataclass, replace
from typing import Any, Literal

from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.requests import HTTPConnection
from starlette.responses import Response

SESSION_SECONDS = 14 * 86_400
FLASH_SECONDS = 300
TRIP_SECONDS = 600
FLASH_CHARACTERS = 600
"""Browsers drop a cookie of more than 4 kB whole."""
RECENT = 5
FRAGMENT = "X-Fragment"
"""A page's own script asks for it again with this header; another tab's message is not for it."""
CHANGES_WHO = frozenset({"session.ended", "session.revoked", "operator.changed", "worker.disabled"})
"""The events after which a person has to be asked for anew: what they may do changed, or where they are signed in."""
LOOKERS = frozenset({"member", "viewer"})
"""The roles that look and change nothing; a member sees no more than the experiments that they have a role in."""
FlashKind = Literal["done", "notice", "failed"]


@dataclass(frozen=True)
class SignedIn:
    """Who is signed in, and which experiment they looked at last."""

    session: str
    operator_id: str
    name: str
    role: str
    """In the deployment, and inside an experiment what they are there."""
    experiment_id: str | None = None
    in_deployment: str = ""
    """Their role in the deployment; empty where it is the same."""
    recent: tuple[str, ...] = ()
    """The experiments that they switched to last, the newest first."""

    roles: tuple[tuple[str, str], ...] = ()
    """What they are in single experiments, by id: as the server says for this request, and never kept in the cookie."""

    @property
    def deployment_role(self) -> str:
        return self.in_deployment or self.role

    def acts_in(self, experiment_id: str) -> bool:
        """Whether they may do more in an experiment than look."""
        return self.deployment_role not in LOOKERS or dict(self.roles).get(experiment_id, "viewer") not in LOOKERS

    def inside(self, role: str) -> "SignedIn":
        """The same person in an experiment, where they have this role."""
        return replace(self, role=role, in_deployment=self.deployment_role)


@dataclass(frozen=True)
class Trip:
    """A browser's way to the OpenID Connect provider and back."""

    ticket: str
    """What proves that it is the browser which set out."""
    next: str
    """Where it was going."""
    invitation: str = ""
    """The code of the link that it wants to join with."""


@dataclass(frozen=True)
class Linking:
    """A browser's way to the provider and back for somebody who is signed in already."""

    ticket: str
    operator_id: str
    code: str = ""
    """What the provider sent back; empty until then, like what follows."""
    state: str = ""
    issuer: str = ""


class Cookies:
    """Writes and reads this deployment's cookies; they are named by its key, since browsers ignore ports."""

    def __init__(self, key: str, *, is_https: bool) -> None:
        self._is_https = is_https
        self._prefix = "switchyard_" + hashlib.sha256(key.encode()).hexdigest()[:10]
        self._sessions = URLSafeTimedSerializer(key, salt="session")
        self._flashes = URLSafeTimedSerializer(key, salt="flash")
        self._enclosed = URLSafeTimedSerializer(key, salt="once")
        self._trips = URLSafeTimedSerializer(key, salt="trip")
        self._links = URLSafeTimedSerializer(key, salt="link")
        self._forms = URLSafeTimedSerializer(key, salt="form")

    def read(self, connection: HTTPConnection) -> SignedIn | None:
        """Who the request's cookie names; None without one, or with one that is forged or too old."""
        value = _loads(self._sessions, connection.cookies.get(self._prefix), SESSION_SECONDS)
        try:
            return SignedIn(**{**value, "recent": tuple(value.get("recent", ()))}) if isinstance(value, dict) else None
        except TypeError:
            return None

    def keep(self, response: Response, who: SignedIn) -> None:
        kept = {name: value for name, value in asdict(who).items() if name != "roles"}
        self._set(response, self._prefix, self._sessions.dumps(kept), SESSION_SECONDS)

    def remember(self, response: Response, who: SignedIn, experiment_id: str) -> None:
        """Remember the experiment that addresses which name none lead to."""
        recent = (experiment_id, *(one for one in who.recent if one != experiment_id))[:RECENT]
        role = who.deployment_role
        self.keep(response, replace(who, experiment_id=experiment_id, recent=recent, role=role, in_deployment=""))

    def forget(self, response: Response) -> None:
        response.delete_cookie(self._prefix, path="/")

    def flash(self, response: Response, kind: FlashKind, text: str) -> None:
        """A message for the next page."""
        value = self._flashes.dumps([kind, text[:FLASH_CHARACTERS]])
        self._set(response, self._prefix + "_flash", value, FLASH_SECONDS)

    def take_flash(self, connection: HTTPConnection) -> tuple[FlashKind, str] | None:
        """The message left for this page, whose response must clear it; none for a page that only looks again."""
        if FRAGMENT in connection.headers:
            return None
        value = _loads(self._flashes, connection.cookies.get(self._prefix + "_flash"), FLASH_SECONDS)
        return (value[0], value[1]) if isinstance(value, list) and len(value) == 2 else None

    def clear_flash(self, response: Response) -> None:
        response.delete_cookie(self._prefix + "_flash", path="/")

    def enclose(self, response: Response, value: Any) -> None:
        """Something for one page, which must clear it."""
        self._set(response, self._prefix + "_once", self._enclosed.dumps(value), FLASH_SECONDS)

    def enclosed(self, connection: HTTPConnection) -> Any | None:
        """What was left for one page."""
        return _loads(self._enclosed, connection.cookies.get(self._prefix + "_once"), FLASH_SECONDS)

    def clear_enclosed(self, response: Response) -> None:
        response.delete_cookie(self._prefix + "_once", path="/")

    def set_out(self, response: Response, trip: Trip) -> None:
        """What a browser keeps that goes to the provider, until it is back."""
        self._set(response, self._prefix + "_trip", self._trips.dumps(list(astuple(trip))), TRIP_SECONDS)

    def trip(self, connection: HTTPConnection) -> Trip | None:
        """What this browser set out with; None when it did not, or too long ago. Arriving must clear it."""
        value = _loads(self._trips, connection.cookies.get(self._prefix + "_trip"), TRIP_SECONDS)
        return Trip(*map(str, value)) if isinstance(value, list) and len(value) == 3 else None

    def arrive(self, response: Response) -> None:
        response.delete_cookie(self._prefix + "_trip", path="/")

    def set_out_to_link(self, response: Response, linking: Linking) -> None:
        """What a browser keeps whose operator wants the provider to vouch for them, until they have said so again."""
        self._set(response, self._prefix + "_link", self._links.dumps(list(astuple(linking))), TRIP_SECONDS)

    def linking(self, connection: HTTPConnection) -> Linking | None:
        value = _loads(self._links, connection.cookies.get(self._prefix + "_link"), TRIP_SECONDS)
        return Linking(*map(str, value)) if isinstance(value, list) and len(value) == 5 else None

    def forget_linking(self, response: Response) -> None:
        response.delete_cookie(self._prefix + "_link", path="/")

    def sign(self, value: Any) -> str:
        """A value that a form carries and nobody can change."""
        return self._forms.dumps(value)

    def unsign(self, text: str, max_age_seconds: int = SESSION_SECONDS) -> Any | None:
        """The value of a signed text, or None when it is forged or too old."""
        return _loads(self._forms, text, max_age_seconds)

    def _set(self, response: Response, name: str, value: str, seconds: int) -> None:
        response.set_cookie(
            name, value, max_age=seconds, path="/", httponly=True, samesite="lax", secure=self._is_https
        )


def _loads(serializer: URLSafeTimedSerializer, text: str | None, seconds: int) -> Any | None:
    if not text:
        return None
    try:
        return serializer.loads(text, max_age=seconds)
    except BadData:
        return None
