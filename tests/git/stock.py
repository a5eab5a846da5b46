"""Stock git, as a stranger's machine has it: no configuration, no hooks, nobody at the keyboard."""

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

EXPERIMENT = "exp_" + "0" * 25 + "1"
SEEDED_AT = "2026-01-01T00:00:00.250000Z"
DATE = "2026-01-02T03:04:05 +0000"


@dataclass(frozen=True)
class Stock:
    home: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        self.home.mkdir(parents=True, exist_ok=True)
        who = {f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in NAMED.items()}
        quiet = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
        return {"HOME": str(self.home), "PATH": os.environ["PATH"], **quiet, **who, **self.variables}

    def tried(self, *argv: str, cwd: Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["git", *argv], cwd=cwd, env=self.environment, input=stdin, capture_output=True, timeout=60, check=False
        )

    def __call__(self, *argv: str, cwd: Path, stdin: bytes = b"") -> str:
        done = self.tried(*argv, cwd=cwd, stdin=stdin)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode(errors="replace").strip()

    def dated(self, date: str) -> "Stock":
        return Stock(self.home, self.variables | {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date})

    def commit(self, checkout: Path, **files: str | bytes) -> str:
        """Write files (`__` is a dot in a name), commit everything, answer the commit."""
        for name, content in files.items():
            path = checkout / name.replace("__", ".")
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        self("add", "--all", cwd=checkout)
        self("commit", "--quiet", "--message", "work", cwd=checkout)
        return self("rev-parse", "HEAD", cwd=checkout)


NAMED = {"NAME": "Ada", "EMAIL": "ada@example.org", "DATE": DATE}
