import gzip
from pathlib import Path

import pytest

from control_plane.repos.vend import Repositories
from tests.git.asking import PACK, ask, backends, basic, noise, until
from tests.git.serving import SLUG, Served
from tests.git.stock import EXPERIMENT, Stock


def test_a_worker_pushes_its_own_branch_and_others_fetch_it(
    server: Served, clone: Path, bare: Path, git: Stock, tmp_path: Path
) -> None:
    git("clone", "--quiet", server.url("reader:secret-r"), "other", cwd=tmp_path)
    commit = git.commit(clone, program__py="value = 2\n")
    git("push", "--quiet", "origin", "HEAD", cwd=clone)
    assert git("rev-parse", "work/wkr_a/v1", cwd=bare) == commit
    git("fetch", "--quiet", "origin", cwd=tmp_path / "other")
    assert git("rev-parse", "origin/work/wkr_a/v1", cwd=tmp_path / "other") == commit
    assert server.pushes == [("wkr_a", EXPERIMENT)]


@pytest.mark.parametrize(
    "refspec",
    [
        "HEAD:refs/heads/main",
        "+HEAD:refs/heads/main",
        ":refs/heads/main",
        "HEAD:refs/heads/work/wkr_ab/v1",
        "HEAD:refs/heads/work/wkr_b/v1",
        "+HEAD:refs/heads/work/wkr_b/taken",
        ":refs/heads/work/wkr_b/taken",
        "HEAD:refs/heads/variant/v1-x",
        "HEAD:refs/heads/other",
        "HEAD:refs/heads/work",
        "HEAD:refs/heads/work/wkr_",
        "HEAD:refs/heads/work/wkr_a",
        "HEAD:refs/heads/Work/wkr_a/v1",
        "HEAD:refs/tags/v1",
        "HEAD:refs/notes/commits",
        "HEAD:refs/hidden/x",
        ":refs/heads/work/wkr_a/mine",
    ],
)
def test_everything_else_is_refused(
    server: Served, clone: Path, bare: Path, git: Stock, base: str, refspec: str
) -> None:
    git("branch", "work/wkr_b/taken", base, cwd=bare)
    git("branch", "work/wkr_a/mine", base, cwd=bare)
    git.commit(clone, program__py="value = 2\n")
    before = git("for-each-ref", cwd=bare)
    assert git.tried("push", "origin", refspec, cwd=clone).returncode != 0
    assert git("for-each-ref", cwd=bare) == before
    assert git("symbolic-ref", "HEAD", cwd=bare) == "refs/heads/main"


def test_the_head_of_the_repository_cannot_be_pushed(
    server: Served, clone: Path, bare: Path, git: Stock, base: str
) -> None:
    commit = git.commit(clone, program__py="value = 2\n")
    command = f"{base} {commit} HEAD\0 report-status\n"
    body = f"{len(command) + 4:04x}{command}0000".encode()
    body += git.tried("pack-objects", "--stdout", "--revs", stdin=f"{commit}\n".encode(), cwd=clone).stdout
    headers = basic() | {"Content-Type": PACK.format("receive-pack")}
    status, _, answer = ask(server, "POST", f"/git/{SLUG}.git/git-receive-pack", body, headers)
    assert status == 200
    assert b"ng HEAD" in answer
    assert git("rev-parse", "HEAD", cwd=bare) == base


def test_the_name_of_the_prefix_stays_free_for_what_goes_below(
    server: Served, clone: Path, bare: Path, git: Stock, repositories: Repositories
) -> None:
    commit = git.commit(clone, program__py="value = 2\n")
    assert git.tried("push", "origin", "HEAD:refs/heads/work/wkr_a", cwd=clone).returncode != 0
    repositories.tidy(before=0)
    assert git.tried("push", "origin", "HEAD:refs/heads/work/wkr_a", cwd=clone).returncode != 0
    git("push", "--quiet", "origin", "HEAD", cwd=clone)
    assert git("for-each-ref", "--format=%(objectname)", "refs/heads/work", cwd=bare) == commit
    git("fsck", "--strict", cwd=bare)


def test_one_refused_branch_does_not_take_the_own_one_down(
    server: Served, clone: Path, bare: Path, git: Stock, base: str
) -> None:
    commit = git.commit(clone, program__py="value = 2\n")
    assert git.tried("push", "origin", "HEAD", "HEAD:refs/heads/main", cwd=clone).returncode != 0
    assert git("rev-parse", "work/wkr_a/v1", cwd=bare) == commit
    assert git("rev-parse", "main", cwd=bare) == base


def test_what_was_pushed_is_not_rewritten(server: Served, clone: Path, bare: Path, git: Stock, base: str) -> None:
    commit = git.commit(clone, program__py="value = 2\n")
    git("push", "--quiet", "origin", "HEAD", cwd=clone)
    git("reset", "--quiet", "--hard", base, cwd=clone)
    git.commit(clone, program__py="value = 3\n")
    assert git.tried("push", "--force", "origin", "HEAD", cwd=clone).returncode != 0
    assert git("rev-parse", "work/wkr_a/v1", cwd=bare) == commit


def test_a_password_for_one_claim_opens_one_branch(server: Served, clone: Path, bare: Path, git: Stock) -> None:
    commit = git.commit(clone, program__py="value = 2\n")
    url = server.url("wkr_a:for-one-claim")
    assert git.tried("push", url, "HEAD:refs/heads/work/wkr_a/v70", cwd=clone).returncode != 0
    assert git.tried("push", url, "HEAD:refs/heads/work/wkr_a/v1", cwd=clone).returncode != 0
    git("push", url, "HEAD:refs/heads/work/wkr_a/v7", cwd=clone)
    assert git("for-each-ref", "--format=%(refname) %(objectname)", "refs/heads/work", cwd=bare) == (
        f"refs/heads/work/wkr_a/v7 {commit}"
    )


@pytest.mark.parametrize("credential", ["reader:secret-r", "tagger:secret-t"])
def test_who_has_no_work_branch_pushes_nothing(server: Served, clone: Path, git: Stock, credential: str) -> None:
    git.commit(clone, program__py="value = 2\n")
    refused = git.tried("push", server.url(credential), "HEAD:refs/tags/x", cwd=clone)
    assert refused.returncode != 0
    assert b"403" in refused.stderr


def test_a_push_of_many_megabytes_comes_in_chunks_and_lasts(
    server: Served, clone: Path, bare: Path, git: Stock
) -> None:
    commit = git.commit(clone, weights__bin=noise(7 << 20))
    git("push", "--quiet", "origin", "HEAD", cwd=clone)
    assert any(request.get("transfer-encoding") == "chunked" for request in server.requests)
    assert server.received_bytes > 7 << 20
    assert git("rev-parse", "work/wkr_a/v1", cwd=bare) == commit
    git("fsck", "--strict", cwd=bare)


def test_a_push_sends_only_what_is_new(server: Served, clone: Path, git: Stock) -> None:
    git.commit(clone, weights__bin=noise(3 << 20))
    git("push", "--quiet", "origin", "HEAD", cwd=clone)
    server.received_bytes = 0
    git.commit(clone, program__py="value = 4\n")
    git("push", "--quiet", "origin", "HEAD:refs/heads/work/wkr_a/v2", cwd=clone)
    assert server.received_bytes < 2000


def test_a_push_over_the_limit_is_413_and_changes_nothing(server: Served, clone: Path, bare: Path, git: Stock) -> None:
    git.commit(clone, weights__bin=noise(13 << 20))
    before = git("for-each-ref", cwd=bare)
    refused = git.tried("push", "origin", "HEAD", cwd=clone)
    assert refused.returncode != 0
    assert b"413" in refused.stderr
    refused = git.tried("-c", "http.postBuffer=20000000", "push", "origin", "HEAD", cwd=clone)
    assert b"413" in refused.stderr
    assert git("for-each-ref", cwd=bare) == before
    until(lambda: not backends() and not list((bare / "objects").glob("tmp_objdir*")))


def test_a_packed_body_does_not_get_past_the_limit(server: Served, clone: Path, bare: Path, git: Stock) -> None:
    commit = git.commit(clone, zeros__bin=b"\0" * (1 << 20))
    pack = git.tried("pack-objects", "--stdout", "--revs", stdin=f"{commit}\n".encode(), cwd=clone).stdout
    command = f"{'0' * 40} {commit} refs/heads/work/wkr_a/v3\0 report-status\n"
    body = f"{len(command) + 4:04x}{command}0000".encode() + pack + b"\0" * (64 << 20)
    headers = basic() | {"Content-Type": PACK.format("receive-pack"), "Content-Encoding": "gzip"}
    ask(server, "POST", f"/git/{SLUG}.git/git-receive-pack", gzip.compress(body), headers)
    sizes = [path.stat().st_size for path in bare.rglob("*") if path.is_file()]
    assert sum(sizes) < 14 << 20


def test_the_question_whether_more_may_be_sent_is_no_push(server: Served) -> None:
    headers = basic() | {"Content-Type": PACK.format("receive-pack")}
    assert ask(server, "POST", f"/git/{SLUG}.git/git-receive-pack", b"0000", headers)[0] == 200
    assert server.pushes == []
