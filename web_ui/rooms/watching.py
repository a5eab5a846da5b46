"""Watching what happens: every event, of one experiment and of all."""

from web_ui.pages import events

INSIDE = (
    ("/events", events.index, "events"),
    ("/events/{position}", events.show, "event"),
)
EVERYWHERE = (
    ("/events", events.everywhere, "all_events"),
    ("/events/{position}", events.show_anywhere, "one_of_all_events"),
)
