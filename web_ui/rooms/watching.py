"""Watching what happens: every event, of one experiment and of all, and what each worker did, and how the parts do."""

from web_ui.pages import events, health, worker

INSIDE = (
    ("/events", events.index, "events"),
    ("/events/{position}", events.show, "event"),
    ("/admin/workers/{worker}", worker.show, "worker"),
)
EVERYWHERE = (
    ("/events", events.everywhere, "all_events"),
    ("/events/{position}", events.show_anywhere, "one_of_all_events"),
    ("/admin/health", health.show, "health_page"),
)
