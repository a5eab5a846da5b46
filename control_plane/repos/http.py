"""Git over smart HTTP, as an ASGI app: everyone who may read an experiment fetches all of it and pushes their own."""

import asyncio
import logging
from pathlib import Path

from control_plane.repos import asked, names
from control_plane.repos.asked import Asked, Declined, Scope
from control_plane.repos.backend import BackendBroken, Exchange, Gone, HttpLimits, Receive, Send, TooLarge
from control_plane.repos.git import configured
from control_plane.repos.ports import Access, Authorize, Pushed
from control_plane.repos.vend import Repositories

CHALLENGE = {"WWW-Authenticate": 'Basic realm="switchyard", charset="UTF-8"'}
FLUSH_BYTES = 4  # the empty push with which a client asks whether it may send more

logger = logging.getLogger(__name__)


class GitHttp:
    """Mount it at `/git`; it serves `/{experiment}.git`."""

    def __init__(
        self,
        repositories: Repositories,
        authorize: Authorize,
        pushed: Pushed | None = None,
        limits: HttpLimits | None = None,
    ) -> None:
        self._repositories, self._authorize, self._pushed = repositories, authorize, pushed
        self._limits = limits or HttpLimits()
        self._slots = asyncio.Semaphore(self._limits.requests)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(receive, send, self._limits)
        try:
            await self._serve(scope, exchange)
        except Declined as declined:
            await _decline(send, declined)
        except Gone:
            logger.debug("a git client hung up: %s", scope["path"])
        except TooLarge:
            await self._fail(exchange, send, _too_large(self._limits))
        except TimeoutError:
            await self._fail(exchange, send, Declined(408, "it took too long"))
        except BackendBroken:
            await self._fail(exchange, send, Declined(500, "git failed on this request"))

    async def _serve(self, scope: Scope, exchange: Exchange) -> None:
        question = asked.read(scope)
        access = await self._admit(question)
        environment = self._environment(question, access)
        _keep_places(self._repositories.path(access.experiment_id), access)
        async with self._slots:
            argv = (self._repositories.git.program, "http-backend")
            is_well = await exchange.run(argv, environment, is_push=question.is_push)
        has_pushed = question.is_push and exchange.received_bytes > FLUSH_BYTES
        if has_pushed and is_well and self._pushed:
            await self._pushed(access, access.experiment_id)
        await exchange.finish()

    async def _admit(self, question: Asked) -> Access:
        access = await self._authorize(question.experiment, *question.credentials) if question.credentials else None
        if access is None:
            raise Declined(401, "a worker's id and token are needed", CHALLENGE)
        if question.is_push and not _pushable(access):
            raise Declined(403, "this credential may not push")
        if (question.content_length or 0) > self._limits.push_bytes:
            raise _too_large(self._limits)
        if not self._repositories.path(access.experiment_id).is_dir():
            raise Declined(404, "there is no such repository")
        return access

    def _environment(self, question: Asked, access: Access) -> dict[str, str]:
        """The CGI variables; what may be pushed is hidden from git's own eyes unless it is theirs."""
        repository = self._repositories.path(access.experiment_id)
        action = "info/refs" if question.is_advertisement else question.service
        optional = {
            "CONTENT_LENGTH": "" if question.content_length is None else str(question.content_length),
            "HTTP_CONTENT_ENCODING": question.content_encoding,
            "GIT_PROTOCOL": question.protocol,
        }
        return (
            self._repositories.git.environment()
            | _rules(question, access, self._limits)
            | {key: value for key, value in optional.items() if value}
            | {
                "GIT_PROJECT_ROOT": str(repository.parent),
                "GIT_HTTP_EXPORT_ALL": "1",
                "PATH_INFO": f"/{repository.name}/{action}",
                "QUERY_STRING": f"service={question.service}" if question.is_advertisement else "",
                "REQUEST_METHOD": "GET" if question.is_advertisement else "POST",
                "CONTENT_TYPE": question.content_type,
                "REMOTE_USER": access.worker_id,
                "REMOTE_ADDR": "",
            }
        )

    async def _fail(self, exchange: Exchange, send: Send, declined: Declined) -> None:
        """Say so while that is possible; an answer under way is broken off, so that nobody takes it for whole."""
        logger.warning("git over HTTP: %s", declined.text)
        if not exchange.has_started:
            await _decline(send, declined)


def _pushable(access: Access) -> tuple[str, ...]:
    """The refs the access opens: work branches and nothing else, whatever it says."""
    refs = (prefix.rstrip("/") for prefix in access.push_prefixes if prefix.startswith(names.WORK))
    return tuple(ref for ref in refs if names.is_ref(ref))


def _keep_places(repository: Path, access: Access) -> None:
    """Let no branch have the name of a prefix itself: it would shut out every branch below, for ever.

    Git skips hidden files among its refs, and does not put a branch where a directory with something in it stands.
    """
    for ref in _pushable(access):
        if f"{ref}/" in access.push_prefixes:
            (repository / ref).mkdir(parents=True, exist_ok=True)
            (repository / ref / ".place").touch()


def _rules(question: Asked, access: Access, limits: HttpLimits) -> dict[str, str]:
    """Git's own settings for this one request.

    The refs are hidden only where they would be written. A pusher who is shown them all sends only what is new.
    """
    hidden = ("refs/", *(f"!{ref}" for ref in _pushable(access)))
    return configured(
        ("http.receivepack", "true"),
        ("http.getanyfile", "false"),
        ("receive.denyNonFastForwards", "true"),
        ("receive.denyDeletes", "true"),
        ("receive.fsckObjects", "true"),
        ("receive.maxInputSize", str(limits.push_bytes)),
        *(("receive.hideRefs", ref) for ref in hidden if question.is_push and not question.is_advertisement),
    )


def _too_large(limits: HttpLimits) -> Declined:
    return Declined(413, f"a push may have {limits.push_bytes} bytes")


async def _decline(send: Send, declined: Declined) -> None:
    headers = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"} | dict(declined.headers)
    body = f"{declined.text}\n".encode()
    encoded = [(key.lower().encode(), value.encode()) for key, value in headers.items()]
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": declined.status, "headers": [*encoded, length]})
    await send({"type": "http.response.body", "body": body})
