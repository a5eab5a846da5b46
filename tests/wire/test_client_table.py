"""The clients have the table of calls for methods, and the face offers everything a caller needs."""

import importlib
import inspect
import pkgutil
import subprocess
import sys

import pytest

import store_client
from store_client import errors, wire
from store_client.client import ControlPlaneClient, StoreClient
from store_client.wire.call import Call
from store_client.wire.calls import CALLS
from store_client.wire.record import Record


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_every_call_is_a_method_of_the_client_of_its_scope(call: Call) -> None:
    client = StoreClient if call.is_scoped else ControlPlaneClient
    assert inspect.isfunction(getattr(client, call.name, None))


def test_clients_have_no_method_beyond_the_table() -> None:
    own = {"aclose", "store", "is_peer"}
    for client, is_scoped in ((StoreClient, True), (ControlPlaneClient, False)):
        names = {name for name, _ in inspect.getmembers(client, inspect.isfunction) if not name.startswith("_")}
        assert names - own == {call.name for call in CALLS if call.is_scoped is is_scoped}


def test_the_face_offers_every_record_and_every_error() -> None:
    rooms = [module.name for module in pkgutil.iter_modules(wire.__path__) if module.name not in {"call", "calls"}]
    modules = [importlib.import_module(f"store_client.wire.{room}") for room in rooms] + [errors]
    kinds = {kind for module in modules for _, kind in inspect.getmembers(module, inspect.isclass)}
    needed = {kind.__name__ for kind in kinds if issubclass(kind, errors.SwitchyardError | Record)}
    assert needed - {"Sent", "Body", "OpenBody"} <= set(store_client.__all__)


def test_every_name_of_the_face_is_there_once() -> None:
    assert len(set(store_client.__all__)) == len(store_client.__all__)
    assert all(getattr(store_client, name) is not None for name in store_client.__all__)


def test_a_name_the_face_does_not_offer_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError):
        store_client.no_such_name  # noqa: B018 - to look is the act


def test_the_control_plane_can_speak_the_wire_without_loading_the_client() -> None:
    program = "import sys, store_client.errors, store_client.wire.calls; sys.exit('httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
