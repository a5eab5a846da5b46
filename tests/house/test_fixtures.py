"""The shared fixtures do what they promise."""

import socket

import psycopg
import pytest
from playwright.sync_api import Page

from tests.browsers import OpenPage
from tests.network import OutsideRefused


def test_a_connection_to_another_machine_is_refused() -> None:
    with socket.socket() as outside, pytest.raises(OutsideRefused, match="only loopback"):
        outside.connect(("192.0.2.1", 9))


def test_a_look_up_of_another_machine_is_refused() -> None:
    with pytest.raises(OutsideRefused, match=r"example\.com"):
        socket.getaddrinfo("example.com", 80)


def test_loopback_stays_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()


@pytest.mark.postgres
def test_a_postgresql_server_answers(empty_postgresql_url: str) -> None:
    with psycopg.connect(empty_postgresql_url.replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)


@pytest.mark.browser
def test_a_page_shows_what_it_is_given(page: Page) -> None:
    page.set_content("<h1>Switchyard</h1>")
    assert page.get_by_role("heading").inner_text() == "Switchyard"


@pytest.mark.browser
def test_a_complaint_on_the_console_is_seen(page: Page, console_errors: list[str]) -> None:
    page.evaluate("console.error('a lost signal')")
    assert [error.split(" (")[0] for error in console_errors] == ["a lost signal"]
    console_errors.clear()


@pytest.mark.browser
def test_a_page_may_run_without_javascript(open_page: OpenPage) -> None:
    page = open_page(java_script_enabled=False)
    page.goto("data:text/html,<noscript>by hand</noscript><script>document.write('by script')</script>")
    assert page.inner_text("body") == "by hand"
