"""Values read the way people say them."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web_ui import filters, statuses

NOW = datetime(2025, 11, 21, 9, tzinfo=UTC)
FINITE = st.floats(-1e308, 1e308)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "just now"),
        (4, "just now"),
        (5, "5 s ago"),
        (59.9, "59 s ago"),
        (60, "1 min ago"),
        (3600, "1 h ago"),
        (2 * 86_400, "2 d ago"),
        (60 * 86_400, "22 Sep 2025"),
        (-20, "in 20 s"),
        (-7200, "in 2 h"),
    ],
)
def test_a_moment_is_told_relative_to_now(seconds: float, words: str) -> None:
    assert filters.ago(NOW - timedelta(seconds=seconds), NOW) == words


def test_a_moment_may_be_text_of_the_wire_or_a_datetime_of_any_zone() -> None:
    elsewhere = NOW.astimezone(tz=datetime.fromisoformat("2025-01-01T00:00:00+05:00").tzinfo)
    assert filters.age("2025-11-21T08:59:48.000000Z", elsewhere) == "12 s"
    assert filters.iso(elsewhere) == filters.iso("2025-11-21T09:00:00") == "2025-11-21T09:00:00Z"
    assert filters.exact(elsewhere) == "2025-11-21 09:00:00 UTC"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, filters.NOTHING),
        (0.42, "0.4 s"),
        (3.0, "3 s"),
        (41.7, "41 s"),
        (134, "2 min 14 s"),
        (120, "2 min"),
        (3900, "1 h 5 min"),
        (273_600, "3 d 4 h"),
    ],
)
def test_a_duration_has_at_most_two_units(seconds: float | None, words: str) -> None:
    assert filters.duration(seconds) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, filters.NOTHING),
        ("text", "text"),
        (0.0, "0"),
        (1797, "1,797"),
        (0.98111, "0.9811"),
        (2.63591, "2.6359"),
        (-12.3456, f"{filters.MINUS}12.346"),
        (1234.5678, "1,234.6"),
        (0.001234, "0.00123"),
        (0.0008, "0.0008"),
        (1.2e-7, "1.2e-07"),
    ],
)
def test_a_figure_reads_at_a_useful_precision(value: float | str | None, words: str) -> None:
    assert filters.figure(value) == words


@given(FINITE)
def test_every_finite_figure_can_be_read_back_roughly(value: float) -> None:
    read = float(filters.figure(value).replace(",", "").replace(filters.MINUS, "-"))
    assert read == pytest.approx(value, rel=0.006, abs=0)


def test_a_difference_carries_its_sign_and_is_better_by_direction() -> None:
    assert [filters.delta(value) for value in (0.0367, -0.2, 0, None)] == [
        "+0.0367",
        f"{filters.MINUS}0.2000",
        "±0",
        filters.NOTHING,
    ]
    assert filters.is_better(0.1, "maximize")
    assert filters.is_better(-0.1, "minimize")
    assert not filters.is_better(0.1, "minimize")


@pytest.mark.parametrize(
    ("count", "words"),
    [(None, filters.NOTHING), (0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (999_999, "1.0 MB"), (141e9, "141 GB")],
)
def test_a_size_is_in_decimal_units(count: float | None, words: str) -> None:
    assert filters.size(count) == words


def test_ids_are_short_and_end_where_they_differ() -> None:
    assert filters.short_id("exp_01hx3f7k2m9qtc8e2v4z6w8y0a") == "exp_…6w8y0a"
    assert filters.short_id("wkr_7") == "wkr_7"
    assert filters.short_commit("3f9c2e1d0b5a4c77") == "3f9c2e1"
    assert filters.short_commit(None) == filters.NOTHING


def test_counts_agree_with_their_noun_and_places_with_their_ending() -> None:
    assert [filters.plural(n, "job") for n in (0, 1, 1200)] == ["0 jobs", "1 job", "1,200 jobs"]
    assert filters.plural(2, "query", "queries") == "2 queries"
    assert [filters.ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 112)] == (
        ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "112th"]
    )


def test_a_query_leaves_out_what_is_absent_and_escapes_the_rest() -> None:
    assert filters.with_query("/queue", state="waiting", after=None, text="a&b") == "/queue?state=waiting&text=a%26b"
    assert filters.with_query("/queue", after=None) == "/queue"


def test_a_status_wears_one_shape_only_and_has_plain_words() -> None:
    every = [status for worn in statuses.WORN_BY.values() for status in worn]
    assert len(every) == len(set(every))
    assert [statuses.shape(status) for status in ("running", "manual", "automatic", "oom", "no such")] == (
        ["run", "wait", "ok", "bad", "idle"]
    )
    assert statuses.words("evaluation_error") == "not evaluated"
    assert statuses.words("timed_out") == "timed out"


def test_every_shape_has_its_style() -> None:
    styles = (Path(__file__).parents[2] / "static/css/components.css").read_text(encoding="utf-8")
    assert {f"is-{shape}" for shape in statuses.WORN_BY} <= set(re.findall(r"is-\w+", styles))
