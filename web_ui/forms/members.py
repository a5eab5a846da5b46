"""Workers and groups of an experiment, as people name them in a form."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from store_client import Target
from web_ui.forms.field import Field

OFFERED = 200


@dataclass(frozen=True)
class Members:
    """Everybody an idea can be meant for: names by id; an empty name is none."""

    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def offered(self) -> tuple[str, ...]:
        """What a field offers: Ada (wkr_…)."""
        named = sorted((name, id_) for id_, name in self.names.items() if name)
        return tuple(f"{name} ({id_})" for name, id_ in named[:OFFERED])

    def find(self, typed: str) -> Target | str | None:
        """Who is meant by an id, a name or both; what is wrong with it; None when nobody is named."""
        if not typed:
            return None
        id_ = typed.rpartition("(")[2].removesuffix(")").strip() if typed.endswith(")") else typed
        if id_ in self.names:
            return Target(kind="worker" if id_.startswith("wkr_") else "group", id=id_)
        called = [one for one, name in self.names.items() if name.casefold() == typed.casefold()]
        if len(called) == 1:
            return self.find(called[0])
        return "Several are called this; choose one from the list." if called else "Nobody here is called this."

    def checked(self, one: Field) -> Field:
        """The field with what is wrong with it."""
        found = self.find(one.value)
        return one.wrong(found) if isinstance(found, str) else one
