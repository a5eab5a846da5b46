"""What `__all__` promises is there."""

import importlib
from collections.abc import Iterable, Iterator
from types import ModuleType

import pytest

import store_client
from tests.house.tree import PACKAGES, Source


def exporters(sources: Iterable[Source]) -> Iterator[str]:
    for source in sources:
        if "\n__all__" in source.text:
            yield source.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def empty_promises(name: str) -> list[str]:
    module = importlib.import_module(name)
    promised = list(vars(module)["__all__"])
    return [each for each in promised if not hasattr(module, each) or promised.count(each) > 1]


def test_every_exported_name_exists_once(product: list[Source]) -> None:
    assert {name: empty_promises(name) for name in exporters(product) if empty_promises(name)} == {}


def test_the_face_exports_all_that_it_imports() -> None:
    public = {name for name, thing in vars(store_client).items() if not name.startswith("_") and _is_ours(thing)}
    assert public - exported(store_client) == set()


def exported(module: ModuleType) -> set[str]:
    return set(vars(module).get("__all__", ()))


def _is_ours(thing: object) -> bool:
    return str(getattr(thing, "__module__", "")).split(".")[0] in PACKAGES


def test_an_empty_promise_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_client, "__all__", ["Nothing"], raising=False)
    assert empty_promises("store_client") == ["Nothing"]
