"""The views that a person keeps of a list, as its page shows them: links above it, and a form to keep another."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import parse_qsl, urlencode

from store_client import SavedView, SwitchyardError, Unauthorized, ViewedList
from web_ui import event_filters, leaderboard_query, queue_filters
from web_ui.active import Here
from web_ui.templating import Tab
from web_ui.visit import Visit

NARROWS: Mapping[ViewedList, frozenset[str]] = MappingProxyType(
    {
        "tasks": frozenset({"q", "kind", "state", "by"}),
        "ideas": frozenset({"q", "state", "by"}),
        "variants": frozenset({*leaderboard_query.FIELDS, "order", "columns"}),
        "events": frozenset(event_filters.FIELDS) - {"at"},
        "jobs": frozenset({*queue_filters.FIELDS, "experiment"}),
    }
)
"""What of the address of each list says which list it is; the rest says where in it, or nothing."""
ALL = {"view": "all"}
"""What the address of the whole list has where the list begins with a view."""
LONGEST = 1000
NOTHING = ' "'
"""What a box holds that holds no word."""


@dataclass(frozen=True)
class ViewBar:
    """The links above a list; `save_href` only where there is something to keep."""

    links: tuple[Tab, ...]
    of_list: str
    query: str
    save_href: str | None
    all_href: str
    manage_href: str | None


async def views_of(visit: Visit, of_list: ViewedList) -> tuple[SavedView, ...]:
    """The person's views of a list; none behind another server, and no list is missed for want of them."""
    if not visit.offers.is_ours:
        return ()
    try:
        return await visit.client.list_views(of_list)
    except Unauthorized:
        raise
    except SwitchyardError:
        return ()


def beginning(visit: Visit, views: tuple[SavedView, ...]) -> str | None:
    """Where a bare address of the list leads, if it begins with a view."""
    default = next((one for one in views if one.is_default), None)
    if default is None or visit.request.url.query:
        return None
    return f"{visit.request.url.path}?{default.query}"


def bar(here: Here, of_list: ViewedList, views: tuple[SavedView, ...], *, is_understood: bool = True) -> ViewBar | None:
    """The bar above a list of an experiment; None behind a server that keeps no views."""
    ways = here.url("save_view"), here.url("views")
    return bar_of(here.visit, of_list, views, ways, is_understood=is_understood)


def bar_of(
    visit: Visit,
    of_list: ViewedList,
    views: tuple[SavedView, ...],
    ways: tuple[str, str | None],
    *,
    is_understood: bool = True,
) -> ViewBar | None:
    """The same, by the ways to save a view and to those that there are; what is not understood is not kept."""
    if not visit.offers.is_ours:
        return None
    (save_href, manage_href), path = ways, visit.request.url.path
    query, has_default = narrowed(visit.request.url.query, of_list), any(one.is_default for one in views)
    kept = {narrowed(one.query, of_list) for one in views}
    return ViewBar(
        links=tuple(
            Tab(one.name, f"{path}?{one.query}", is_current=narrowed(one.query, of_list) == query) for one in views
        ),
        of_list=of_list,
        query=query,
        save_href=save_href if query and is_understood and query not in kept else None,
        all_href=f"{path}?{urlencode(ALL)}" if has_default else path,
        manage_href=manage_href if views else None,
    )


def besides(fields: Mapping[str, str], views: tuple[SavedView, ...]) -> dict[str, str]:
    """The fields of links that lead to the whole list, also where its bare address leads to a view."""
    return {**fields, **(ALL if any(one.is_default for one in views) else {})}


def narrowed(query: str, of_list: ViewedList) -> str:
    """What of a query string narrows a list, in one order; what says nothing is left out."""
    said = ((name, value) for name, value in parse_qsl(query[:LONGEST]) if value.strip(NOTHING))
    return urlencode(sorted((name, value) for name, value in said if name in NARROWS[of_list]))
