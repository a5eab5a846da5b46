"""Labels of a worker, a line each."""

from dataclasses import dataclass

LONGEST_KEY, LONGEST_VALUE, MOST_LINES = 64, 256, 200


@dataclass(frozen=True)
class WrongLine:
    """The first line that is no label, and why."""

    line: int
    why: str

    @property
    def sentence(self) -> str:
        return f"Line {self.line}: {self.why}"


def read_labels(entered: str) -> dict[str, str] | WrongLine:
    """The labels; empty lines and those that begin with # are passed over."""
    labels: dict[str, str] = {}
    for number, line in enumerate(entered.splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        key, mark, value = (part.strip() for part in text.partition("="))
        why = _fault(labels, key, mark, value)
        if why:
            return WrongLine(number, why)
        labels[key] = value
    return labels


def _fault(labels: dict[str, str], key: str, mark: str, value: str) -> str:
    if not mark or not key:
        return "write a key, = and a value, like gpu=h100."
    if len(key) > LONGEST_KEY:
        return f"the key has more than {LONGEST_KEY} characters."
    if len(value) > LONGEST_VALUE:
        return f"the value has more than {LONGEST_VALUE} characters."
    if key in labels:
        return f"{key} stands on a line before it already."
    return "there are too many labels." if len(labels) >= MOST_LINES else ""
