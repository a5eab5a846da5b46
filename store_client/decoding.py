"""What came back: a record, or the error that it means. Liberties that a server may take are taken from it here."""

from typing import Any, get_origin

import httpx
from pydantic import ValidationError

from store_client.errors import ProtocolBroken, SwitchyardError, from_problem
from store_client.wire.call import Call

SHOWN_FAULTS = 3


def decode(call: Call, response: httpx.Response) -> Any:
    """The answer of a call; None where there is none to give."""
    if call.answer is None or (call.is_answer_optional and not response.content.strip()):
        return None
    try:
        return call.decode(plain(call, response.json()))
    except ValidationError as error:
        faults = "; ".join(_say(fault) for fault in error.errors(include_url=False)[:SHOWN_FAULTS])
        raise ProtocolBroken(f"the answer to {call.name} has another shape: {faults}") from error
    except (ValueError, RecursionError) as error:
        raise ProtocolBroken(f"the answer to {call.name} is {_kind(response)}, not JSON") from error


def plain(call: Call, payload: Any) -> Any:
    """The payload without what servers differ in: an object around a list, nulls for what is absent."""
    if get_origin(call.answer) is tuple and isinstance(payload, dict):
        payload = payload.get(call.path.rpartition("/")[2], payload)
    if call.answer is dict:
        return payload
    if isinstance(payload, list):
        return [_without_nulls(item) for item in payload]
    return _without_nulls(payload)


def refusal(response: httpx.Response) -> SwitchyardError:
    """The error that anything but a success means; its body may be anything, or unread."""
    status = response.status_code
    if status < 400:
        return ProtocolBroken(f"the server answered {status}, which no call promises")
    try:
        problem = response.json()
    except (ValueError, RecursionError, httpx.ResponseNotRead):
        problem = None
    if not isinstance(problem, dict):
        problem = {"detail": f"the server answered {status} with {_kind(response)}, not in the protocol's words"}
    return from_problem(status, problem)


def _without_nulls(value: Any) -> Any:
    """An object without its nulls, and so each object in a list of it; what lies deeper may mean them."""
    if not isinstance(value, dict):
        return value
    return {key: _listed(inner) for key, inner in value.items() if inner is not None}


def _listed(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return [{k: v for k, v in item.items() if v is not None} if isinstance(item, dict) else item for item in value]


def _say(fault: Any) -> str:
    return f"{'.'.join(map(str, fault['loc'])) or 'it'}: {fault['msg']}"


def _kind(response: httpx.Response) -> str:
    return str(response.headers.get("content-type", "")).partition(";")[0].strip() or "nothing"
