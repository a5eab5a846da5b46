"""What a control plane has to be told before people sign in with a provider."""

from pathlib import Path

import pytest

from control_plane.registry.rules.relying import Client, Welcome
from control_plane.settings import parse

ISSUER, CONSOLE = "https://id.example", "https://console.example/"


@pytest.fixture
def told(tmp_path: Path) -> dict[str, str]:
    """The environment of a control plane that was told everything."""
    (tmp_path / "secret").write_text("a secret\n")
    given = {
        "ISSUER": ISSUER,
        "CLIENT_ID": "us",
        "CLIENT_SECRET_FILE": str(tmp_path / "secret"),
        "CONSOLE_URL": CONSOLE,
    }
    return {f"SWITCHYARD_OIDC_{name}": value for name, value in given.items()}


def test_a_provider_is_named_by_the_environment_or_by_options_and_its_secret_by_a_file(told: dict[str, str]) -> None:
    provider = parse([], told).provider
    assert provider == Client(ISSUER, "us", "a secret", CONSOLE, Welcome("sub", "none"))
    assert provider.redirect_uri == "https://console.example/signin/provider/callback"
    assert "a secret" not in repr(provider)
    other = parse(["--oidc-newcomers", "viewer", "--oidc-claim", "email", "--oidc-client-id", "you"], told).provider
    assert other is not None
    assert (other.client_id, other.welcome) == ("you", Welcome("email", "viewer"))
    without = {name: value for name, value in told.items() if "CONSOLE" not in name}
    local = parse(["--web-url", "http://127.0.0.1:8090"], without).provider
    assert local is not None
    assert local.redirect_uri.startswith("http://127.0.0.1:8090/signin/")


def test_without_an_issuer_and_in_a_process_without_an_api_there_is_none(told: dict[str, str]) -> None:
    assert parse([], {}).provider is None
    assert parse(["--no-api"], told | {"SWITCHYARD_OIDC_CLIENT_SECRET_FILE": "/nowhere"}).provider is None


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("CLIENT_ID", "", "--oidc-client-id"),
        ("CLIENT_SECRET_FILE", "", "--oidc-client-secret-file"),
        ("CLIENT_SECRET_FILE", "/dev/null", "is empty"),
        ("CLIENT_SECRET_FILE", "/nowhere", "/nowhere"),
        ("CONSOLE_URL", "", "--oidc-console-url"),
        ("CONSOLE_URL", "http://console.example", "--oidc-console-url"),
        ("ISSUER", "http://id.example", "--oidc-issuer"),
        ("ISSUER", "https://[id", "--oidc-issuer"),
        ("CLAIM", "name", "--oidc-claim"),
        ("NEWCOMERS", "administrator", "--oidc-newcomers"),
    ],
)
def test_what_is_missing_or_wrong_is_said_at_the_start(
    told: dict[str, str], name: str, value: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse([], told | {f"SWITCHYARD_OIDC_{name}": value})
    assert words in capsys.readouterr().err
