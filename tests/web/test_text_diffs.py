"""Differences between texts, however long they are, in no more lines than a page shows."""

from web_ui.text_diffs import MOST_LINES, MOST_SHOWN, between


def test_what_was_added_and_removed_is_shown_with_what_stands_around_it() -> None:
    found = between("a\nb\nc\n", "a\nB\nc\n", "config")
    assert found is not None
    assert (found.path, found.summary) == ("config", "+1 \N{MINUS SIGN}1")
    assert [(line.kind, line.text) for line in found.lines if line.kind != "hunk"] == [
        ("same", "a"), ("removed", "b"), ("added", "B"), ("same", "c"),
    ]  # fmt: skip
    assert between("a", "a", "config") is None


def test_long_texts_are_compared_where_they_differ_and_shown_as_far_as_there_is_room() -> None:
    long = "same\n" * 20_000
    found = between(f"{long}one\n{long}", f"{long}two\n{long}", "config")
    assert found is not None
    assert (found.summary, found.lines[0].text) == ("+1 \N{MINUS SIGN}1", "@@ -19998,7 +19998,7 @@")
    many = between("", "\n".join(map(str, range(MOST_LINES))), "config")
    assert many is not None
    assert (len(many.lines), many.lines[-1].text) == (MOST_SHOWN + 1, "… and 1,601 more lines")
    too_many = between("", "\n".join(map(str, range(MOST_LINES + 1))), "config")
    assert too_many is not None
    assert (too_many.lines, "too many to compare" in too_many.summary) == ((), True)
