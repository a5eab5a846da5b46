"""What came back: a record, or the error that it means. Liberties that a server may take are taken from it here."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_origin

from pydantic import ValidationError

from store_client.errors import ProtocolBroken, SwitchyardError, from_problem
from store_client.wire.call import Call

SHOWN_FAULTS = 3


@dataclass(frozen=True)
class Reply:
    """A whole response; `content` is empty when it was too long to be read."""

    status: int
    headers: Mapping[str, str]
    content: bytes = b""

    @property
    def kind(self) -> str:
        return str(self.headers.get("content-type", "")).partition(";")[0].strip() or "nothing"


def decode(call: Call, reply: Reply) -> Any:
    """The answer of a call; None where there is none to give."""
    if call.answer is None or (call.is_answer_optional and not reply.content.strip()):
        return None
    try:
        return call.decode(plain(call, json.loads(reply.content)))
    except ValidationError as error:
        faults = "; ".join(_say(fault) for fault in error.errors(include_url=False)[:SHOWN_FAULTS])
        raise ProtocolBroken(f"the answer to {call.name} has another shape: {faults}") from error
    except (ValueError, RecursionError) as error:
        raise ProtocolBroken(f"the answer to {call.name} is {reply.kind}, not JSON") from error


def plain(call: Call, payload: Any) -> Any:
    """The payload without what servers differ in: an object around a list, nulls for what is absent."""
    if get_origin(call.answer) is tuple and isinstance(payload, dict):
        payload = payload.get(call.path.rpartition("/")[2], payload)
    if call.answer is dict:
        return payload
    if isinstance(payload, list):
        return [_without_nulls(item) for item in payload]
    return _without_nulls(payload)


def refusal(reply: Reply) -> SwitchyardError:
    """The error that anything but a success means; its body may be anything, or unread."""
    if reply.status < 400:
        return ProtocolBroken(f"the server answered {reply.status}, which no call promises")
    try:
        problem = json.loads(reply.content)
    except (ValueError, RecursionError):
        problem = None
    if not isinstance(problem, dict):
        problem = {"detail": f"the server answered {reply.status} with {reply.kind}, not in the protocol's words"}
    return from_problem(reply.status, problem)


def _without_nulls(value: Any) -> Any:
    """An object without its nulls, and so each object in a list of it; what lies deeper may mean them."""
    if not isinstance(value, dict):
        return value
    return {key: _listed(inner) for key, inner in value.items() if inner is not None}


def _bare(item: Any) -> Any:
    if not isinstance(item, dict) or None not in item.values():
        return item
    return {key: inner for key, inner in item.items() if inner is not None}


def _listed(value: Any) -> Any:
    """A list of objects without their nulls; a list that begins with something else has no objects in it."""
    if not isinstance(value, list) or not value or not isinstance(value[0], dict):
        return value
    return [_bare(item) for item in value]


def _say(fault: Any) -> str:
    return f"{'.'.join(map(str, fault['loc'])) or 'it'}: {fault['msg']}"
