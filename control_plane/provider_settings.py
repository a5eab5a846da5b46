"""What a control plane is told of the OpenID Connect provider that people sign in with; without an issuer, nothing."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from control_plane.registry.rules.relying import Client, Welcome

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
NEEDED = ("--oidc-client-id", "--oidc-client-secret-file", "--oidc-console-url")


def add_provider(parser: argparse.ArgumentParser, environ: Mapping[str, str]) -> None:
    """The provider's arguments, each with its variable."""
    group = parser.add_argument_group("people sign in with an OpenID Connect provider")

    def told(name: str) -> str | None:
        return environ.get("SWITCHYARD_OIDC_" + name) or None

    group.add_argument("--oidc-issuer", type=private_url, default=told("ISSUER"), help="as the provider writes it")
    group.add_argument("--oidc-client-id", default=told("CLIENT_ID"))
    group.add_argument("--oidc-client-secret-file", type=Path, default=told("CLIENT_SECRET_FILE"))
    console = told("CONSOLE_URL")
    group.add_argument("--oidc-console-url", type=private_url, default=console, help="where people reach the console")
    group.add_argument("--oidc-claim", type=claim, default=told("CLAIM") or "sub", metavar="sub|email")
    group.add_argument("--oidc-newcomers", type=newcomers, default=told("NEWCOMERS") or "none", metavar="none|viewer")


def provider_of(parser: argparse.ArgumentParser, given: argparse.Namespace) -> Client | None:
    """The provider of a command line; one that was told by half ends the process with what is missing."""
    if given.oidc_issuer is None or not given.api:
        return None
    needed = given.oidc_client_id, given.oidc_client_secret_file, given.oidc_console_url or given.web_url
    missing = [flag for flag, value in zip(NEEDED, needed, strict=True) if not value]
    if missing:
        parser.error(f"--oidc-issuer needs {' and '.join(missing)}, too")
    try:
        secret, console_url = secret_in(given.oidc_client_secret_file), private_url(str(needed[2]))
    except (OSError, ValueError) as error:
        parser.error(f"for people to sign in with the OpenID Connect provider: {error}")
    welcome = Welcome(given.oidc_claim, given.oidc_newcomers)
    return Client(given.oidc_issuer, given.oidc_client_id, secret, console_url, welcome)


def secret_in(file: Path) -> str:
    secret = file.read_text(encoding="utf-8").strip()
    if not secret:
        raise ValueError(f"{file} is empty")
    return secret


def private_url(text: str) -> str:
    """An address that nobody between here and there can read along on."""
    parts = urlsplit(text)
    is_private = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not is_private or not parts.hostname or parts.query or parts.fragment or parts.username is not None:
        raise ValueError(f"{text} is no https address; http is for this machine alone")
    return text


def claim(text: str) -> str:
    if text not in {"sub", "email"}:
        raise ValueError("sub or email")
    return text


def newcomers(text: str) -> str:
    if text not in {"none", "viewer"}:
        raise ValueError("none or viewer")
    return text
