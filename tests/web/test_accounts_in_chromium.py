"""Joining, signing in and managing people in a real browser: without script, at any width, in light and dark."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from control_plane.registry.rules.relying import Client
from tests.browsers import OpenPage
from tests.fakes.provider import CLIENT_ID, SECRET, make_key, serving
from tests.web.serving import Served, served_world

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery"


@pytest.fixture
def served(tmp_path: Path, sqlite_url: str) -> Iterator[Served]:
    with served_world(tmp_path) as running:
        yield running


def reads_well(page: Page) -> None:
    """Nothing for axe to find and nothing to scroll sideways for, narrow and wide, light and dark."""
    for width, scheme in ((360, "light"), (1280, "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type] # it is one of the two
        found = Axe().run(page).response["violations"]
        assert not found, {f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found}
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, page.url


def choose_password(page: Page, button: str) -> None:
    page.locator("#password").fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button", name=button).click()


def test_somebody_is_invited_joins_and_is_kept_out_again_without_script(served: Served, open_page: OpenPage) -> None:
    served.run(served.world.experiment)
    admin = served.sign_in(open_page(java_script_enabled=False), "/account")
    admin.get_by_label("Sign-in name").fill("root")
    choose_password(admin, "Set it")
    expect(admin.locator(".messages")).to_contain_text("Your password is set")
    admin.get_by_role("link", name="Admin").click()
    admin.get_by_role("link", name="Operators").click()
    admin.get_by_label("Name", exact=True).fill("Ada")
    admin.get_by_label("Sign-in name").fill("ada@example.org")
    admin.get_by_label("Role in the deployment").select_option("viewer")
    admin.get_by_role("button", name="Make the link").click()
    link = admin.get_by_label("Link").locator("code").first.inner_text()
    ada = open_page(java_script_enabled=False)
    ada.goto(link)
    expect(ada.get_by_role("heading", level=1)).to_have_text("Welcome, Ada")
    choose_password(ada, "Join")
    expect(ada).to_have_url(served.url + "/")
    ada.goto(served.url + "/account")
    ada.get_by_text("Sign out everywhere…").click()
    ada.get_by_role("button", name="Sign out everywhere").click()
    expect(ada.locator(".messages")).to_contain_text("signed out everywhere")
    ada.goto(served.url + "/e/hello/ideas")
    ada.get_by_label("Sign-in name").fill("Ada@Example.org")
    ada.get_by_label("Password").fill(PASSWORD)
    ada.get_by_role("button", name="Sign in", exact=True).click()
    expect(ada).to_have_url(served.url + "/e/hello/ideas")
    admin.get_by_role("link", name="I have copied it").click()
    admin.get_by_role("link", name="Ada").click()
    admin.get_by_text("Disable…").click()
    admin.get_by_role("button", name="Disable Ada").click()
    expect(admin.get_by_role("heading", level=1)).to_contain_text("disabled")
    ada.reload()
    expect(ada).to_have_url(f"{served.url}/signin?next=%2Fe%2Fhello%2Fideas")


def test_somebody_links_the_provider_and_signs_in_with_it_elsewhere_without_script(
    tmp_path: Path, sqlite_url: str, open_page: OpenPage
) -> None:
    with (
        serving(make_key("first", "ES256")) as fake,
        served_world(tmp_path, lambda url: Client(fake.issuer, CLIENT_ID, SECRET, url)) as served,
    ):
        fake.at_its_page = "ada"
        page = served.sign_in(open_page(), "/account")
        page.get_by_role("link", name="Link Example ID…").click()
        expect(page).to_have_url(f"{served.url}/account/provider")
        reads_well(page)
        page.get_by_role("button", name="Link it").click()
        expect(page.locator(".messages")).to_contain_text("From now on Example ID signs you in here")
        reads_well(page)
        other = open_page(java_script_enabled=False)
        other.goto(f"{served.url}/account")
        other.get_by_role("link", name="Sign in with Example ID").click()
        expect(other).to_have_url(f"{served.url}/account")
        expect(other.locator("#who").locator("xpath=../..")).to_contain_text("single sign-on")


def test_the_pages_of_people_read_well(served: Served, open_page: OpenPage) -> None:
    one = served.run(served.world.experiment)
    admin = served.sign_in(open_page(), "/admin/operators")
    admin.get_by_label("Name", exact=True).fill("Ada")
    admin.get_by_label("Sign-in name").fill("ada@example.org")
    admin.get_by_label("A role in one experiment").select_option(one.experiment_id)
    admin.get_by_role("button", name="Make the link").click()
    reads_well(admin)
    link = admin.get_by_label("Link").locator("code").first.inner_text()
    admin.goto(served.url + "/admin/operators")
    reads_well(admin)
    visitor = open_page()
    visitor.goto(link)
    reads_well(visitor)
    choose_password(visitor, "Join")
    visitor.goto(served.url + "/account")
    reads_well(visitor)
    admin.goto(served.url + "/admin/operators")
    admin.get_by_role("link", name="Ada").click()
    reads_well(admin)
    stranger = open_page()
    stranger.goto(served.url + "/signin")
    reads_well(stranger)
