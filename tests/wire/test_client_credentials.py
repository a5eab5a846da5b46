"""Where bearers come from, and what happens when one is refused or runs out."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from store_client.client import StoreClient
from store_client.credentials import ExchangedBearer, FileBearer, StaticBearer
from store_client.errors import Unauthorized
from store_client.wire.scalars import format_time
from store_client.wire.workers import Exchanged
from tests.wire.canned import EXPERIMENT, WORKER, Server, problem

START = datetime(2030, 1, 1, tzinfo=UTC)


class Mint:
    """Exchanges on request: each token is new and good for ten minutes."""

    def __init__(self) -> None:
        self.now = START
        self.minted = 0

    async def exchange(self) -> Exchanged:
        self.minted += 1
        expires_at = format_time(self.now + timedelta(minutes=10))
        return Exchanged(
            worker_id=WORKER, token=f"token-{self.minted}", expires_at=expires_at, name="Ada", role="worker"
        )

    def bearer(self) -> ExchangedBearer:
        return ExchangedBearer(self.exchange, lambda: self.now)


async def test_callers_that_are_refused_together_share_one_exchange() -> None:
    mint = Mint()
    bearer = mint.bearer()
    rejected = await bearer.current()
    assert await asyncio.gather(*(bearer.replace(rejected) for _ in range(5))) == [True] * 5
    assert mint.minted == 2


async def test_a_file_is_read_again_once_for_all_who_were_refused(tmp_path: Path) -> None:
    file = tmp_path / "credential"
    file.touch(0o600)
    file.write_text("w:old")
    bearer = FileBearer(file)
    rejected = await bearer.current()
    file.write_text("w:new")
    assert await bearer.replace(rejected)
    file.write_text("w:newer")
    assert await bearer.replace(rejected)
    assert await bearer.current() == "w:new"


async def test_a_file_that_holds_the_same_still_heals_nothing(tmp_path: Path) -> None:
    file = tmp_path / "credential"
    file.touch(0o600)
    file.write_text("w:old")
    bearer = FileBearer(file)
    assert not await bearer.replace(await bearer.current())


async def test_a_credential_is_replaced_once_and_never_in_a_loop() -> None:
    mint = Mint()
    server = Server([problem(401, "unauthorized")])
    with pytest.raises(Unauthorized):
        await StoreClient(server.transport(), mint.bearer(), EXPERIMENT).read_state()
    assert (len(server.requests), mint.minted) == (2, 2)


async def test_a_static_bearer_has_no_successor() -> None:
    bearer = StaticBearer("admin", "a:b")
    assert await bearer.current() == "admin:a:b"
    assert not await bearer.replace("admin:a:b")


async def test_an_exchanged_token_is_kept_until_shortly_before_its_end() -> None:
    mint = Mint()
    bearer = mint.bearer()
    assert await bearer.current() == f"{WORKER}:token-1"
    mint.now += timedelta(minutes=8, seconds=59)
    assert await bearer.current() == f"{WORKER}:token-1"
    mint.now += timedelta(seconds=1)
    assert await bearer.current() == f"{WORKER}:token-2"


async def test_a_refused_exchanged_token_is_minted_again_once_for_all_who_held_it() -> None:
    mint = Mint()
    bearer = mint.bearer()
    old = await bearer.current()
    assert await bearer.replace(old)
    assert await bearer.replace(old)
    assert mint.minted == 2


async def test_a_file_holds_principal_and_secret(tmp_path: Path) -> None:
    file = secret(tmp_path, "wkr_1:abc\n")
    assert await FileBearer(file).current() == "wkr_1:abc"


async def test_a_file_may_hold_the_bare_secret_of_a_named_principal(tmp_path: Path) -> None:
    assert await FileBearer(secret(tmp_path, "abc\n"), "admin").current() == "admin:abc"


async def test_a_refused_credential_is_read_again_from_its_file(tmp_path: Path) -> None:
    file = secret(tmp_path, "wkr_1:old")
    bearer = FileBearer(file)
    old = await bearer.current()
    assert not await bearer.replace(old)
    secret(tmp_path, "wkr_1:new")
    assert await bearer.replace(old)
    assert await bearer.current() == "wkr_1:new"


async def test_a_file_that_others_may_read_is_refused_with_what_to_do(tmp_path: Path) -> None:
    file = secret(tmp_path, "wkr_1:abc")
    file.chmod(0o640)
    with pytest.raises(Unauthorized, match="chmod 600"):
        await FileBearer(file).current()


@pytest.mark.parametrize("text", [None, "no colon"])
async def test_a_file_without_a_credential_is_refused(tmp_path: Path, text: str | None) -> None:
    file = secret(tmp_path, text) if text else tmp_path / "absent"
    with pytest.raises(Unauthorized, match=str(file)):
        await FileBearer(file).current()


def secret(directory: Path, text: str) -> Path:
    file = directory / "token"
    file.write_text(text)
    file.chmod(0o600)
    return file
