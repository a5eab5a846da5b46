"""What a console stands on, put together once: clients, the door and the live reader, for one kind of server."""

from dataclasses import dataclass
from typing import Any

from store_client import FileBearer, Patience, StoreClient, Transport
from web_ui.configs import Configs, read_config
from web_ui.door import Door, OwnDoor, ServersDoor
from web_ui.git_process import Git
from web_ui.keyring import Keyring
from web_ui.live import EachLog, Live, OneLog
from web_ui.missing import ConfigInvalid
from web_ui.own_factory import KeyringStoreFactory, Means, StaticStoreFactory
from web_ui.repos import Clones
from web_ui.settings import Own, Settings
from web_ui.store_factory import Factory, StoreFactory

Line = Any
"""What carries requests to a control plane, as the transport takes it."""


@dataclass(frozen=True)
class Ground:
    """Whom to ask, who is let in, and who says what happens."""

    factory: Factory
    door: Door
    live: Live


def ground(settings: Settings, line: Line | None) -> Ground:
    """The ground of a console, as its settings say; with a line, that one is asked instead of the network."""
    return of_ours(settings, line) if settings.own is None else of_any(settings, settings.own, line)


def patience_of(settings: Settings) -> Patience:
    """A page that nobody answers says so soon: who reads it tries again. What was begun is given its time."""
    seconds = settings.reading_seconds
    return Patience(reading_seconds=seconds, total_seconds=seconds)


def of_ours(settings: Settings, line: Line | None) -> Ground:
    """Before our own control plane, whose sessions and identities its operators have."""
    patience = patience_of(settings)
    transport = Transport(settings.control_plane_url, patience, line)
    is_one = settings.store_url == settings.control_plane_url
    store_transport = transport if is_one else Transport(settings.store_url, patience, line)
    clones = Clones(settings.data / "clones", settings.store_url)
    factory = StoreFactory((transport, store_transport), FileBearer(settings.credential_file), clones)
    return Ground(factory, ServersDoor(factory.console, settings.provider), OneLog(factory.console, factory.heard))


def of_any(settings: Settings, own: Own, line: Line | None) -> Ground:
    """Before any server of the protocol, with one operator and the credentials that the console holds."""
    configs = read_configs(own)
    patience = patience_of(settings)
    control = Transport(settings.control_plane_url, patience, line, configs)
    is_one = settings.store_url == settings.control_plane_url
    transport = control if is_one else Transport(settings.store_url, patience, line, configs)
    admin = FileBearer(own.admin_token_file, "admin") if own.admin_token_file else None
    keyring = Keyring(
        own.credential_file,
        own.experiment_id,
        own.operator,
        (lambda experiment_id: StoreClient(transport, admin, experiment_id)) if admin else None,
    )
    means = Means(keyring, admin, _clones(settings, own), configs)
    factory = (
        StaticStoreFactory(transport, means) if own.experiment_id else KeyringStoreFactory((control, transport), means)
    )
    door = OwnDoor(settings.data, own.operator, "operator" if admin is None else "holds the admin token")
    return Ground(factory, door, EachLog(factory.as_reader, factory.known))


def _clones(settings: Settings, own: Own) -> Clones | None:
    """Clones of a repository that the console was told of, which may be a path of this machine."""
    if own.repository is None:
        return None
    return Clones(settings.data / "clones", "", own.repository, Git(protocols="http:https:file"))


def read_configs(own: Own) -> Configs:
    """The configs that the console was given; of one experiment alone a bad one ends it at once."""
    if own.config is None or (not own.config.is_dir() and own.experiment_id is None):
        return Configs()
    if own.config.is_dir():
        return Configs(own.config).look()
    try:
        return Configs(known={str(own.experiment_id): read_config(own.config)})
    except ConfigInvalid as error:
        raise SystemExit(str(error)) from error
