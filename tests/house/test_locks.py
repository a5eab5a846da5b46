"""The locks pin everything, name no place to fetch it from, and every dependency says what it is for."""

import re
import tomllib
from collections.abc import Iterable, Iterator

import pytest

from tests.house.tree import ROOT, Source, keeps

LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-uv.lock")
DECISIONS = "docs/decisions/0001-dependencies.md"
PLACE = re.compile(r"://|--(extra-)?index-url|--find-links|--trusted-host|\bfile:|@ ")
PIN = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]*)(?:\[[^]]*\])?==(?P<version>[^ ;\\]+)", re.MULTILINE)


def project() -> dict[str, dict[str, list[str]]]:
    """The dependencies of pyproject.toml by where they are needed."""
    text = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = text["project"]["optional-dependencies"]
    return {"core": {"all": text["project"]["dependencies"]}, "extras": extras, "groups": text["dependency-groups"]}


def names(requirements: Iterable[str]) -> set[str]:
    return {re.split(r"[\[<>=~!; ]", each, maxsplit=1)[0].lower() for each in requirements}


def read(lock: str) -> Source:
    return Source(lock, (ROOT / lock).read_text(encoding="utf-8"))


def pins(lock: Source) -> dict[str, set[str]]:
    """The versions of each package; a package may have two, for different Pythons."""
    found: dict[str, set[str]] = {}
    for match in PIN.finditer(lock.text):
        found.setdefault(match["name"], set()).add(match["version"])
    return found


def loose(lock: Source) -> Iterator[str]:
    for line, text in enumerate(lock.lines, 1):
        if PLACE.search(text):
            yield lock.at(line, "names a place to fetch from")
    for block in re.split(r"\n(?=\S)", lock.text):
        if not block.startswith("#") and block.strip() and not (PIN.match(block) and "--hash=sha256:" in block):
            yield f"{lock.path}: {block.splitlines()[0]} is not pinned by version and hash"


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_everything_and_names_no_place(lock: str) -> None:
    keeps(loose(read(lock)))


def test_the_locks_hold_every_dependency() -> None:
    needed = project()
    core = names(needed["core"]["all"]) | names(needed["extras"]["examples"])
    assert core - pins(read("requirements.lock")).keys() == set()
    assert (core | names(needed["extras"]["dev"])) - pins(read("requirements-dev.lock")).keys() == set()
    assert names(needed["groups"]["installer"]) == pins(read("requirements-uv.lock")).keys()


def test_development_runs_what_is_shipped() -> None:
    development = pins(read("requirements-dev.lock"))
    assert {name: development.get(name) for name in pins(read("requirements.lock"))} == pins(read("requirements.lock"))


def test_the_pinned_uv_can_build_the_package() -> None:
    backend = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    (installer,) = project()["groups"]["installer"]
    assert backend == [installer.replace("uv", "uv_build")]


def test_every_dependency_says_what_it_is_for() -> None:
    needed = {name for place in project().values() for requirements in place.values() for name in names(requirements)}
    explained = re.findall(r"^- `([^`]+)`: \S+", (ROOT / DECISIONS).read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(explained) == sorted(needed)


@pytest.mark.parametrize(
    "text",
    [
        "--index-url https://mirror.example/simple\n",
        "click==8.1 \\\n    # from file:///wheels\n    --hash=sha256:00\n",
        "click==8.1\n",
        "click>=8 \\\n    --hash=sha256:00\n",
    ],
)
def test_a_loose_lock_is_noticed(text: str) -> None:
    assert list(loose(Source("requirements.lock", text)))
