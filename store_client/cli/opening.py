"""What a new deployment gets before its door opens: the example experiments, and a link to sign in."""

from pathlib import Path
from urllib.parse import quote

from store_client.cli.supervisor import Addresses, warn
from store_client.client import ControlPlaneClient
from store_client.credentials import FileBearer
from store_client.errors import SwitchyardError
from store_client.transport import Transport
from store_client.wire.experiments import CreateExperiment

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SEEDED = ("digits", "packing")
DONE = "examples-seeded"


async def open_house(data: Path, addresses: Addresses, *, wants_examples: bool) -> str:
    """Seed the examples on the first run; the sign-in link."""
    bearer = FileBearer(data / "admin-token", "admin")
    async with ControlPlaneClient(Transport(addresses.control_plane), bearer) as deployment:
        if wants_examples:
            await seed(deployment, data)
        return await sign_in_link(deployment, addresses.web)


async def sign_in_link(deployment: ControlPlaneClient, web: str) -> str:
    """A link that signs the administrator in, once."""
    code = await deployment.create_sign_in_code()
    return f"{web}/signin?code={quote(code.code, safe='')}"


async def seed(deployment: ControlPlaneClient, data: Path) -> None:
    """Create the example experiments, unless that was done before or there are experiments of somebody's own."""
    if (data / DONE).exists():
        return
    known = {summary.slug for summary in await deployment.list_experiment_summaries()}
    if known <= set(SEEDED):
        for name in SEEDED:
            if name not in known:
                await _create(deployment, name)
    (data / DONE).touch()


async def _create(deployment: ControlPlaneClient, name: str) -> None:
    if not (EXAMPLES / name).is_dir():
        warn(f"the example {name} is not installed: there is no {EXAMPLES / name}")
        return
    try:
        await deployment.create_experiment(CreateExperiment(directory=str(EXAMPLES / name), slug=name))
    except SwitchyardError as error:
        warn(f"the example {name} could not be created: {error}")
