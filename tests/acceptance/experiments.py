"""Experiments for acceptance: real in every part, and done in seconds."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

IDEATE = r"""read -r request
for number in 1 2; do
    printf '{"event": "idea", "slug": "step-%s-%s", "priority": 1, "content": "step %s %s"}\n' $$ $number $$ $number
done
printf '{"event": "ideation-done"}\n'"""
EXECUTE = r"""cat .eden/idea.md >>steps.txt; echo >>steps.txt; cat .eden/idea.md
%s
printf '{"status": "success"}' >"$EDEN_OUTPUT" """
EVALUATE = r"""score=$(cksum <steps.txt | cut -c 1-4)
printf '{"status": "success", "evaluation": {"score": %s}}' "$score" >"$EDEN_OUTPUT" """
MANUAL = {"ideator": "manual", "executor": "manual", "evaluator": "manual"}


@dataclass(frozen=True)
class Recipe:
    """What an experiment is made of: how many variants it stops after, and what each execution does besides."""

    variants: int = 4
    parallel: int = 2
    meanwhile: str = ":"
    automation: dict[str, str] | None = None

    def config(self) -> dict[str, Any]:
        return {
            "parallel_variants": self.parallel,
            "evaluation_schema": {"score": "real"},
            "objective": {"expr": "score", "direction": "maximize"},
            "ideation_policy": {"kind": "fixed_total", "total": self.variants},
            "termination_policy": {"kind": "max_variants", "target": self.variants},
            "dispatch_mode": {"termination": "auto"},
            "ideation_command": IDEATE,
            "execution_command": EXECUTE.replace("%s", self.meanwhile),
            "evaluation_command": EVALUATE,
            "resources": {kind: {"timeout_seconds": 60} for kind in ("ideation", "execution", "evaluation")},
            **({"automation": self.automation} if self.automation else {}),
        }

    def write(self, directory: Path, **changes: Any) -> Path:
        """The directory of an experiment made by this recipe."""
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "steps.txt").write_text("the beginning\n", encoding="utf-8")
        config = yaml.safe_dump(json.loads(json.dumps({**self.config(), **changes})))
        (directory / "experiment.yaml").write_text(config, encoding="utf-8")
        return directory
