"""Somebody in a browser before a real deployment, who reads what the pages say and does what they offer."""

import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.acceptance.deployment import Deployment
from tests.browsers import PATIENCE_MILLISECONDS
from tests.git.stock import Stock

EDIT = "# edit, then"


@dataclass
class Visitor:
    """A page of a browser, and the deployment behind it."""

    page: Page
    deployment: Deployment
    is_scripted: bool = True

    @property
    def web(self) -> str:
        return str(self.deployment.ready["web"])

    def sign_in(self, link: str | None = None) -> None:
        """Follow a one-time link to its form, and send that."""
        self.page.goto(link or self.deployment.ready["signin"])
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.get_by_role("heading", name="Experiments")).to_be_visible()

    def go(self, path: str) -> None:
        answer = self.page.goto(self.web + path)
        assert answer is not None
        assert answer.status == 200

    def tab(self, name: str) -> None:
        """Follow a tab of the active experiment."""
        self.page.locator("nav.tabs").get_by_role("link", name=re.compile(rf"^{name}\b")).click()
        expect(self.page.locator('nav.tabs a[aria-current="page"]')).to_have_text(re.compile(rf"^{name}\b"))

    def switch(self, name: str) -> None:
        """Choose an experiment in the top navigation."""
        self.page.locator("#switcher > summary").click()
        self.page.locator("#switcher").get_by_role("button", name=re.compile(re.escape(name))).click()
        expect(self.page.locator("#switcher > summary .name")).to_have_text(name)

    def set_automation(self, value: str) -> None:
        """On a desk: who does its role's work."""
        button = self.page.locator(f'form[aria-label^="Who does"] button[value="{value}"]')
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")

    def wait_for(self, wanted: Callable[[], Locator], what: str) -> Locator:
        """Something that comes about by itself: the page shows it, or without a script shows it when it is reloaded."""
        if self.is_scripted:
            expect(wanted().first).to_be_visible(timeout=PATIENCE_MILLISECONDS)
            return wanted().first

        def look() -> Locator | None:
            self.page.reload()
            return wanted().first if wanted().count() else None

        found = self.deployment.until(look, what)
        assert found is not None
        return found

    def claim_first(self) -> str:
        """On a desk: claim the task on top of the list; its address."""
        waiting = self.page.locator('section[aria-labelledby="pending"]').get_by_role(
            "button", name=re.compile("^Claim")
        )
        self.wait_for(lambda: waiting, "a task waits on the desk").click()
        expect(self.page.locator("form#work")).to_be_visible()
        return self.page.url

    def git_commands(self) -> str:
        return self.page.locator('section[aria-labelledby="locally"] .code').first.locator("code").inner_text()

    def show_git_password(self) -> str:
        self.page.get_by_role("button", name="Show password").click()
        shown = self.page.locator('section[aria-labelledby="locally"] dl .code code')
        expect(shown).to_be_visible()
        return shown.inner_text()

    def push_by_the_page(self, directory: Path, edit: str) -> str:
        """Do with stock git what the page says, with its password; the commit that was pushed."""
        commands, password = self.git_commands(), self.show_git_password()
        assert EDIT in commands
        directory.mkdir()
        answer = directory / "answer"
        answer.write_text(f"#!/bin/sh\nprintf '%s\\n' '{password}'\n", encoding="utf-8")
        answer.chmod(answer.stat().st_mode | stat.S_IXUSR)
        git = Stock(directory / "home", {"GIT_ASKPASS": str(answer)})
        script = "set -e\n" + commands.replace(EDIT, edit) + "\ngit rev-parse HEAD >../commit\n"
        alias = ("-c", f"alias.follow=!sh {directory / 'script'}")
        (directory / "script").write_text(f"cd {directory}\n{script}", encoding="utf-8")
        git(*alias, "follow", cwd=directory)
        return (directory / "commit").read_text(encoding="utf-8").strip()
