"""The pattern page: every part that is on neither home nor overview, once."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from tests.web.sample_pages import frame
from web_ui.charts import HistoryChart, Sample, history_chart
from web_ui.filters import MINUS
from web_ui.templating import Frame


@dataclass(frozen=True)
class Field:
    name: str
    label: str
    value: str
    hint: str = ""
    error: str = ""


@dataclass(frozen=True)
class Step:
    label: str
    note: str
    state: str


@dataclass(frozen=True)
class Line:
    kind: str
    text: str

    @property
    def shown(self) -> str:
        return self.text


@dataclass(frozen=True)
class File:
    path: str
    summary: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Pieces:
    template: ClassVar[str] = "pieces.html"

    frame: Frame
    steps: tuple[Step, ...]
    fields: tuple[Field, ...]
    files: tuple[File, ...]
    log: str
    history: HistoryChart | None


def pieces() -> Pieces:
    start = datetime(2025, 11, 21, 8, tzinfo=UTC)
    return Pieces(
        frame=frame("Executor"),
        steps=(
            Step("Claim", "done 8 min ago", "done"),
            Step("Push a commit", "found on your branch", "done"),
            Step("Check and submit", "two checks passed", "now"),
        ),
        fields=(
            Field(
                "commit",
                "Commit",
                "3f9c2e",
                "Forty hexadecimal digits.",
                "No commit of this repository starts with 3f9c2e.",
            ),
            Field("change", "What did you change?", "Second layer and dropout.", "Shown to evaluators."),
            Field("status", "Outcome", "success"),
        ),
        files=(
            File(
                "train.py",
                f"+2 {MINUS}1",
                (
                    Line("hunk", "@@ -12,4 +12,5 @@ def build_model(config)"),
                    Line("same", '    hidden = config["hidden"]'),
                    Line("removed", "    layers = [hidden]"),
                    Line("added", "    layers = [hidden, hidden // 2]"),
                    Line("added", '    dropout = config.get("dropout", 0.2)'),
                ),
            ),
        ),
        log="epoch 1  loss 0.91\nepoch 2  loss 0.52\n",
        history=history_chart(
            [Sample(start + timedelta(minutes=n), 40 + 30 * math.sin(n / 5)) for n in range(60)], "GPU use", "%"
        ),
    )
