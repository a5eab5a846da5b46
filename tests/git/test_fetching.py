"""Repositories elsewhere: what is fetched, from where, and what is refused before it is unfolded."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from control_plane.repos.fetching import Fetching, Remotes, find
from control_plane.repos.git import Git
from control_plane.repos.sources import SeedLimits
from control_plane.repos.vend import Repositories
from store_client.errors import BadRequest
from tests.git.plain_serving import plain_served
from tests.git.stock import EXPERIMENT, SEEDED_AT, Stock

HERE = Remotes(frozenset({"http"}), frozenset({"127.0.0.1"}))


@pytest.fixture
def elsewhere(tmp_path: Path, git: Stock) -> Iterator[tuple[str, str, str]]:
    """The address of a repository, its first commit and its second, which a branch is at."""
    place = tmp_path / "theirs"
    place.mkdir()
    git("init", "--quiet", "--initial-branch=main", "one", cwd=place)
    first = git.commit(place / "one", experiment__yaml="a: 1\n", deep="x" * 4000)
    git("checkout", "--quiet", "-b", "next/one", cwd=place / "one")
    second = git.commit(place / "one", more__txt="more")
    git("checkout", "--quiet", "main", cwd=place / "one")
    git("config", "uploadpack.allowAnySHA1InWant", "true", cwd=place / "one")
    with plain_served(place) as address:
        yield f"{address}/one/.git", first, second


def fetching(tmp_path: Path, remotes: Remotes = HERE) -> Fetching:
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    return Fetching(Git(home), remotes)


def into(tmp_path: Path, name: str) -> Path:
    (tmp_path / name).mkdir()
    return tmp_path / name


def test_the_files_of_a_commit_arrive_and_nothing_else(tmp_path: Path, elsewhere: tuple[str, str, str]) -> None:
    url, first, second = elsewhere
    fetch = fetching(tmp_path)
    for number, (revision, commit, names) in enumerate(
        (
            (None, first, ["deep", "experiment.yaml"]),
            ("next/one", second, ["deep", "experiment.yaml", "more.txt"]),
            (first, first, ["deep", "experiment.yaml"]),
        )
    ):
        target = into(tmp_path, f"target-{number}")
        assert fetch(url, revision, target) == commit
        assert sorted(path.name for path in target.iterdir()) == names


def test_what_is_not_there_or_leads_away_or_never_answers_is_refused(
    tmp_path: Path, elsewhere: tuple[str, str, str]
) -> None:
    url, _, _ = elsewhere
    host = url.removesuffix("/one/.git")
    hasty = replace(HERE, seconds=0.5)
    for address, revision, remotes, why in (
        (url, "nowhere", HERE, "cannot be fetched"),
        (f"{host}/two/.git", None, HERE, "cannot be fetched"),
        (f"{host}/elsewhere/one/.git", None, HERE, "cannot be fetched"),
        (f"{host}/never/.git", None, hasty, "did not arrive within 0.5 s"),
        (url, "--upload-pack=touch x", HERE, "a revision is"),
        (url, "-x", HERE, "a revision is"),
        (url, None, replace(HERE, limits=SeedLimits(total_bytes=1000)), "more than 1,000 bytes"),
        (url, None, replace(HERE, limits=SeedLimits(files=1)), "more than 1 files"),
        (url, None, replace(HERE, packed_bytes=0), "cannot be fetched"),
        (url, None, Remotes(), "begins with https://"),
        (url, None, Remotes(frozenset({"http"})), "leads to a machine inside"),
    ):
        target = tmp_path / "target"
        target.mkdir(exist_ok=True)
        with pytest.raises(BadRequest, match=why):
            fetching(tmp_path, remotes)(address, revision, target)
        assert not list(target.iterdir())


def test_addresses_that_lead_inside_in_disguise_are_seen_through() -> None:
    for machine in (
        "127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.1", "[::1]", "[::]",
        "224.0.0.1", "[::ffff:10.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1%25eth0]", "[fd00::1]",
        "[ff02::1]",
    ):  # fmt: skip
        with pytest.raises(BadRequest, match="leads to a machine inside"):
            find(f"https://{machine}/x.git", Remotes())
    assert find("https://93.184.216.34:8443/x.git", Remotes()).pinned == "93.184.216.34:8443:93.184.216.34"
    assert find("https://[2606:2800:220:1::1]/x", Remotes()).pinned.endswith(":443:[2606:2800:220:1::1]")


@pytest.mark.parametrize(
    ("address", "instead"),
    [
        ("git@github.com:ada/digits.git", "https://github.com/ada/digits.git"),
        ("github.com:ada/digits", "https://github.com/ada/digits"),
        ("ssh://git@git.example.org:2222/ada/digits.git", "https://git.example.org/ada/digits.git"),
        ("git+ssh://git.example.org/ada/digits.git", "https://git.example.org/ada/digits.git"),
    ],
)
def test_an_address_over_ssh_is_answered_with_the_ways_that_there_are(address: str, instead: str) -> None:
    with pytest.raises(BadRequest, match="holds no key") as refused:
        find(address, Remotes())
    assert f"give {instead}, or upload an archive" in refused.value.detail


def test_the_environment_says_where_may_be_fetched_from() -> None:
    told = Remotes.told({"SWITCHYARD_GIT_SCHEMES": "https, http", "SWITCHYARD_GIT_HOSTS": "Git.example.org"})
    assert (told.schemes, told.inside) == (frozenset({"https", "http"}), frozenset({"git.example.org"}))
    with pytest.raises(ValueError, match="not file"):
        Remotes.told({"SWITCHYARD_GIT_SCHEMES": "file"})


def test_a_copy_begins_with_the_same_commit_and_nothing_later(
    repositories: Repositories, source: Path, git: Stock
) -> None:
    base = repositories.seed(EXPERIMENT, source, SEEDED_AT)
    git("branch", "variant/v1-x", base, cwd=repositories.path(EXPERIMENT))
    other = EXPERIMENT[:-1] + "2"
    assert repositories.copy(other, EXPERIMENT) == base
    assert git("for-each-ref", "--format=%(refname)", cwd=repositories.path(other)) == "refs/heads/main"
    assert git("config", "gc.auto", cwd=repositories.path(other)) == "0"
    assert git("fsck", "--strict", cwd=repositories.path(other)) == ""
