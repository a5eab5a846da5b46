"""How many passwords may be tried: for one account from one place, from one place, and for one account at all."""

from collections.abc import Mapping
from datetime import timedelta

WINDOW = timedelta(minutes=15)
"""After so long without a try, tries are forgotten; each one begins it anew."""
MOST: Mapping[str, int] = {"account and address": 10, "address": 50, "account": 100}
"""The last is high, so that nobody is locked out of their own account by somebody who guesses elsewhere."""


def keys(account: str, address: str | None) -> Mapping[str, str]:
    """What a try counts against: the kind of limit, and whose it is. Unknown accounts count as known ones do."""
    whole = {"account": f"account {account}"}
    if address:
        whole |= {"address": f"address {address}", "account and address": f"{account} from {address}"}
    else:
        whole |= {"account and address": f"{account} from anywhere"}
    return whole
