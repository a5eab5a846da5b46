"""The face of the store client: the clients, every record, every error. `face.py` lists it.

A name is loaded when it is first used: the command line and the control plane, which need only a corner of this
package, do not wait for the rest of it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from store_client.accounts_face import *  # noqa: F403 - and in accounts_face.py
    from store_client.face import *  # noqa: F403 - the list is in face.py, once
    from store_client.face import __all__ as __all__
    from store_client.filter_face import *  # noqa: F403 - and in filter_face.py
    from store_client.health_face import *  # noqa: F403 - and in health_face.py
    from store_client.queue_face import *  # noqa: F403 - and in queue_face.py
    from store_client.registry_face import *  # noqa: F403 - and in registry_face.py
    from store_client.search_face import *  # noqa: F403 - and in search_face.py
    from store_client.settings_face import *  # noqa: F403 - and in settings_face.py


def __getattr__(name: str) -> Any:
    if name.startswith("_") and name != "__all__":
        raise AttributeError(name)
    return getattr(import_module("store_client.face"), name)


def __dir__() -> list[str]:
    return list(import_module("store_client.face").__all__)
