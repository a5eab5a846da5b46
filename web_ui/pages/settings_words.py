"""What the page of an experiment's settings says: its config as somebody would have it, and its versions."""

from collections.abc import Sequence
from dataclasses import dataclass

from store_client import ConfigLine, ConfigReport, ConfigVersion
from web_ui.active import Here
from web_ui.diffs import FileDiff
from web_ui.filters import Moment
from web_ui.text_diffs import between

ADMIN = "admin"


@dataclass(frozen=True)
class Editor:
    """The config in the box, the version it is written from, and what would come of it once that was asked."""

    text: str
    based_on: int
    report: ConfigReport | None = None
    diff: FileDiff | None = None
    problem: str = ""

    @property
    def may_save(self) -> bool:
        return self.report is not None and not self.report.faults and self.diff is not None

    @property
    def verdict(self) -> str:
        """What the check found, in a sentence."""
        if self.report is None:
            return ""
        faults = len(self.report.faults)
        if faults:
            return f"{'One thing keeps' if faults == 1 else f'{faults} things keep'} this config from being used"
        if self.diff is None:
            return "This is the config as it is"
        return "This config can be saved"


@dataclass(frozen=True)
class VersionRow:
    """One version in the history."""

    number: int
    moment: Moment
    who: str
    what: str
    href: str
    is_newest: bool


def editor(now: ConfigVersion, text: str, report: ConfigReport | None, problem: str = "") -> Editor:
    """A text that somebody has in the box, against the config as it is."""
    return Editor(text, now.number, report, between(now.text, text, "config"), problem)


def rows(here: Here, versions: Sequence[ConfigLine], newest: int) -> tuple[VersionRow, ...]:
    """The history, each version with the way back to it."""
    return tuple(
        VersionRow(
            number=one.number,
            moment=one.changed_at,
            who=_who(one),
            what=_what(one),
            href=f"{here.url('settings')}?from={one.number}#config",
            is_newest=one.number == newest,
        )
        for one in versions
    )


def _who(one: ConfigLine) -> str:
    if one.changed_by is None:
        return "as it began"
    return "the admin token" if one.changed_by == ADMIN else one.changed_by_name or one.changed_by


def _what(one: ConfigLine) -> str:
    if one.changed_by is None:
        return ""
    return ", ".join(one.keys) or "words that nothing reads"
