"""What people sign in with beside a password: an e-mail address or a short name."""

import re
import unicodedata

from store_client.errors import InvalidName

MOST = 120
SHAPE = re.compile(r"[\w.+@-]+", re.UNICODE)


def check(wish: str) -> str:
    """A sign-in name in its stored form; InvalidName when it is none."""
    normal = normalise(wish)
    if not 2 <= len(normal) <= MOST or SHAPE.fullmatch(normal) is None:
        raise InvalidName(
            f"a sign-in name is an e-mail address or a short name: 2 to {MOST} letters, digits and . _ + @ -"
        )
    return normal


def normalise(text: str) -> str:
    """The one form of a sign-in name, however it is typed."""
    return unicodedata.normalize("NFKC", text).strip().casefold()
