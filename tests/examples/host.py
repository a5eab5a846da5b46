"""Plays a worker host for one example: its commands run for real, in clones of a bare repository."""

import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

EXAMPLES = Path(__file__).parents[2] / "examples"
IDENTITY = {f"GIT_{who}_{what}": f"{who}@host.invalid" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


@dataclass(frozen=True)
class Idea:
    """An idea as its ideator wrote it down."""

    slug: str
    priority: float
    parents: list[str]
    content: str


@dataclass(frozen=True)
class Executed:
    """What an executor left: its outcome, and the commit that the host made of its changes."""

    status: str
    description: str
    commit: str | None


@dataclass
class Host:
    """The repository of one experiment, its history, and the commands of its configuration."""

    name: str
    folder: Path
    history: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.repository = self.folder / "bare.git"
        source = self.folder / "source"
        shutil.copytree(EXAMPLES / self.name, source, ignore=shutil.ignore_patterns("__pycache__"))
        self.config = yaml.safe_load((source / ".eden" / "config.yaml").read_text())
        self.git(self.folder, "init", "-q", "--bare", "-b", "main", str(self.repository))
        self.git(source, "init", "-q", "-b", "main")
        self.base_commit = self.commit_all(source, "the experiment begins")
        self.git(source, "push", "-q", str(self.repository), "main")
        self.base = self.checkout(self.base_commit)

    def git(self, folder: Path, *arguments: str) -> str:
        """A git command with nothing of the user's configuration."""
        argv = ["git", "-c", "protocol.file.allow=always", *arguments]
        return subprocess.run(
            argv, cwd=folder, env=self.environment(), check=True, capture_output=True, text=True
        ).stdout

    def commit_all(self, folder: Path, message: str) -> str:
        """Everything but what the host itself put under .eden, in one commit."""
        self.git(folder, "add", "-A")
        self.git(folder, "commit", "-q", "--allow-empty", "-m", message)
        return self.git(folder, "rev-parse", "HEAD").strip()

    def checkout(self, commit: str) -> Path:
        """A fresh workspace of a commit, sharing the repository's objects."""
        workspace = Path(tempfile.mkdtemp(dir=self.folder)) / "work"
        self.git(self.folder, "clone", "-q", "--shared", "--no-checkout", str(self.repository), str(workspace))
        self.git(workspace, "checkout", "-q", "--detach", commit)
        (workspace / ".git" / "info" / "exclude").write_text(".eden/*task.json\n.eden/*outcome.json*\n.eden/idea.md\n")
        (workspace / ".eden").mkdir(exist_ok=True)
        return workspace

    def environment(self, **more: str) -> dict[str, str]:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        plain = {"PATH": path, "HOME": str(self.folder), "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"}
        return {**plain, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, **IDENTITY, **more}

    def run(self, role: str, workspace: Path, stdin: str = "", **variables: str) -> str:
        """A role's command as the engine starts it, within the time that the configuration gives it."""
        here = {"EDEN_EXPERIMENT_DIR": str(self.base), "EDEN_WORKTREE": str(workspace), "TMPDIR": str(self.folder)}
        done = subprocess.run(
            ["/bin/sh", "-c", self.config[f"{role}_command"]],
            cwd=workspace,
            env=self.environment(**here, **variables),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=self.config["resources"][role]["timeout_seconds"],
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def question(self) -> dict[str, Any]:
        """What an ideator is told."""
        told = {"event": "ideation", "task_id": "task_1", "experiment_id": "exp_1", "history": self.history[-50:]}
        return {**told, "objective": self.config["objective"], "evaluation_schema": self.config["evaluation_schema"]}

    def say(self, question: str) -> list[dict[str, Any]]:
        """Every line that the ideator answers with."""
        lines = self.run("ideation", self.checkout(self.base_commit), stdin=question).splitlines()
        return [{"event": line} if line == "ready" else json.loads(line) for line in lines]

    def ideate(self) -> list[Idea]:
        first, *ideas, last = self.say(json.dumps(self.question()) + "\n")
        assert (first, last) == ({"event": "ready"}, {"event": "ideation-done"})
        assert {each["event"] for each in ideas} == {"idea"}
        return [Idea(each["slug"], each["priority"], each["parent_commits"], each["content"]) for each in ideas]

    def execute(self, idea: Idea) -> Executed:
        """Carry out the idea on its first parent, and commit what changed."""
        workspace = self.checkout(idea.parents[0])
        files = {"content_path": ".eden/idea.md", "output_path": ".eden/outcome.json"}
        task = {"task_id": "task_2", "idea_slug": idea.slug, "parent_commits": idea.parents, **files}
        (workspace / ".eden" / "idea.md").write_text(idea.content)
        (workspace / ".eden" / "task.json").write_text(json.dumps(task))
        self.run("execution", workspace, **places(workspace, "task.json", "outcome.json"))
        outcome = json.loads((workspace / ".eden" / "outcome.json").read_text())
        assert set(outcome) <= {"status", "commit_sha", "description"}
        commit = self.publish(workspace, idea.slug) if outcome["status"] == "success" else None
        return Executed(outcome["status"], outcome["description"], commit)

    def publish(self, workspace: Path, slug: str) -> str:
        commit = self.commit_all(workspace, slug)
        self.git(workspace, "push", "-q", "origin", f"HEAD:refs/heads/work/wkr_1/{commit}")
        return commit

    def evaluate(self, commit: str) -> dict[str, Any]:
        """The evaluator's outcome for a commit."""
        return self.evaluate_in(self.checkout(commit))

    def evaluate_in(self, workspace: Path) -> dict[str, Any]:
        about = {"task_id": "task_3", "output_path": ".eden/eval-outcome.json", "objective": self.config["objective"]}
        task = {**about, "evaluation_schema": self.config["evaluation_schema"]}
        (workspace / ".eden" / "eval-task.json").write_text(json.dumps(task))
        self.run("evaluation", workspace, **places(workspace, "eval-task.json", "eval-outcome.json"))
        outcome: dict[str, Any] = json.loads((workspace / ".eden" / "eval-outcome.json").read_text())
        assert set(outcome) <= {"status", "evaluation", "artifacts_uri", "description"}
        return outcome

    def variant(self, **files: str) -> str:
        """A commit on the base commit with these files in place of its own, as somebody might push it."""
        workspace = self.checkout(self.base_commit)
        for name, text in files.items():
            (workspace / f"{name}.py").write_text(text)
        return self.publish(workspace, "by-hand")

    def judge(self, **programs: str) -> dict[str, Any]:
        """The evaluator's outcome for a workspace with these programs in place of the experiment's own."""
        workspace = Path(tempfile.mkdtemp(dir=self.folder))
        (workspace / ".eden").mkdir()
        for name, text in programs.items():
            (workspace / f"{name}.py").write_text(text)
        return self.evaluate_in(workspace)

    def begin(self) -> float:
        """Score the baseline."""
        outcome = self.evaluate(self.base_commit)
        assert outcome["status"] == "success", outcome
        entry = {"kind": "baseline", "slug": "", "commit_sha": self.base_commit, "parent_commits": [self.base_commit]}
        score = self.remember({**entry, **outcome})
        assert score is not None
        return score

    def carry_out(self, idea: Idea) -> float | None:
        """Execute and evaluate an idea, and integrate the variant when it has a score."""
        executed = self.execute(idea)
        about = {"slug": idea.slug, "parent_commits": idea.parents, "content": idea.content}
        if executed.commit is None:
            return self.remember({**about, "status": "error"})
        outcome = self.evaluate(executed.commit)
        entry = {**about, "commit_sha": executed.commit, **outcome}
        if outcome["status"] == "success":
            entry["variant_commit_sha"] = self.integrate(executed.commit, idea)
        return self.remember(entry)

    def integrate(self, commit: str, idea: Idea) -> str:
        """Squash the variant onto its parents, as the integrator does."""
        parents = [word for parent in idea.parents for word in ("-p", parent)]
        squashed = self.git(
            self.repository, "commit-tree", f"{commit}^{{tree}}", *parents, "-m", f"variant: {idea.slug}"
        ).strip()
        self.git(self.repository, "update-ref", f"refs/heads/variant/{len(self.history)}-{idea.slug}", squashed)
        return squashed

    def remember(self, entry: dict[str, Any]) -> float | None:
        value: float | None = entry.get("evaluation", {}).get(self.config["objective"]["expr"])
        scored = {"objective_value": value} if value is not None else {}
        self.history.append({"variant_id": f"var_{len(self.history):04}", **entry, **scored})
        return value

    def evolve(self, variants: int, until: float = math.inf) -> list[float]:
        """The scores of so many variants, the most promising ideas first; fewer when one is better than `until`."""
        waiting: list[Idea] = []
        scores: list[float] = []
        while len(scores) < variants and not any(score > until for score in scores[-1:]):
            if len(scores) % 2 == 0:
                waiting = sorted([*self.ideate(), *waiting], key=lambda idea: -idea.priority)
            score = self.carry_out(waiting.pop(0))
            scores.append(-math.inf if score is None else score)
        return scores


def places(workspace: Path, task: str, output: str) -> dict[str, str]:
    """Where a command finds its task and leaves its outcome."""
    return {"EDEN_TASK_JSON": str(workspace / ".eden" / task), "EDEN_OUTPUT": str(workspace / ".eden" / output)}


def is_refused(outcome: dict[str, Any], reason: str) -> bool:
    """Whether the judge found the variant at fault for this reason, and gave it no score."""
    return outcome["status"] == "error" and not outcome["evaluation"] and reason in outcome["description"]
