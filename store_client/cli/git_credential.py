"""`switchyard git-credential`: lets stock git read the repositories as the local administrator.

git -c credential.helper='!switchyard git-credential --data /srv/switchyard' clone http://127.0.0.1:8091/git/exp_….git
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

import click

from store_client.cli import ground, options

MAX_LINES = 100


@click.command("git-credential")
@options.data
@options.control_plane_url
@click.argument("operation")
def git_credential(data: Path, control_plane_url: str | None, operation: str) -> None:
    """Answer git's question for a user name and password, for this server alone (a git credential helper)."""
    asked = read_question(sys.stdin)
    services = ground.read_services(data)
    url = control_plane_url or (services.control_plane if services else None)
    token = data / "admin-token"
    if operation == "get" and url is not None and is_about(asked, url) and token.exists():
        click.echo(f"username=admin\npassword={token.read_text(encoding='utf-8').strip()}")


def read_question(lines: Iterable[str]) -> dict[str, str]:
    """The attributes that git sends, one a line, up to an empty line."""
    asked: dict[str, str] = {}
    for number, line in enumerate(lines):
        name, separator, value = line.rstrip("\n").partition("=")
        if not separator or number >= MAX_LINES:
            break
        asked[name] = value
    return asked


def is_about(asked: dict[str, str], url: str) -> bool:
    """Whether git asks about exactly this server, and for nobody else than the administrator."""
    own = urlsplit(url)
    is_ours = (asked.get("protocol"), asked.get("host")) == (own.scheme, own.netloc)
    return is_ours and asked.get("username", "admin") == "admin"
