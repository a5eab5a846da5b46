"""What a browser says that it is, in the few words by which people tell their own apart."""

from starlette.requests import HTTPConnection

NAMES = (
    ("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"),
    ("curl", "curl"), ("python-httpx", "A program"),
)  # fmt: skip
SYSTEMS = (
    ("Android", "Android"), ("iPhone", "an iPhone"), ("iPad", "an iPad"), ("Windows", "Windows"),
    ("Mac OS", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip
UNKNOWN = "A browser"
MOST_OF_ADDRESS = 100


def browser_of(connection: HTTPConnection) -> str:
    """For example "Firefox on Linux"; nothing of the header itself, which anybody may write."""
    said = connection.headers.get("user-agent", "")
    name = next((words for mark, words in NAMES if mark in said), UNKNOWN)
    system = next((words for mark, words in SYSTEMS if mark in said), None)
    return f"{name} on {system}" if system else name


def address_of(connection: HTTPConnection) -> str | None:
    """Where a request comes from, as far as this process can see."""
    return connection.client.host[:MOST_OF_ADDRESS] if connection.client else None
