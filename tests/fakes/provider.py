"""A small OpenID Connect provider: real HTTP on loopback, real keys, and lies when a test asks for them."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

CLIENT_ID, SECRET = "switchyard", "a secret: of the + client"
ACCESS = "an.access-token"
Answer = tuple[int, bytes]
Sign = Callable[[dict[str, Any]], str]


def make_key(kid: str, kind: str = "RS256") -> RSAKey | ECKey:
    if kind == "RS256":
        return RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": kind})
    return ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": kind})


@dataclass
class FakeProvider:
    """Whoever is agreed for is signed in. `claims` replace the token's, None takes one away; `answers` go by path."""

    issuer: str = ""
    keys: list[RSAKey | ECKey] = field(default_factory=list)
    claims: dict[str, Any] = field(default_factory=dict)
    sign: Sign | None = None
    answers: dict[str, Answer] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, Any]] = field(default_factory=dict)
    secret: str = SECRET
    kept_back: dict[str, Any] = field(default_factory=dict)
    """What it tells at its UserInfo alone; it has none while this is empty."""
    at_its_page: str = ""
    """Who is signed in at its page, and agrees there at once; nobody while it is empty."""

    def agree(self, url: str, sub: str = "ada", **claims: Any) -> dict[str, str]:
        """What a person's browser brings back who goes to the provider's page and agrees there."""
        page, query = urlsplit(url), {key: value[0] for key, value in parse_qs(urlsplit(url).query).items()}
        assert f"{page.scheme}://{page.netloc}{page.path}" == f"{self.issuer}/authorize"
        assert (query["response_type"], query["client_id"]) == ("code", CLIENT_ID)
        assert (query["code_challenge_method"], "openid" in query["scope"].split()) == ("S256", True)
        code = secrets.token_urlsafe(12)
        told = {"sub": sub, "nonce": query["nonce"], **claims}
        self.codes[code] = {**query, "claims": told}
        return {"code": code, "state": query["state"]}

    def back(self, url: str, sub: str = "ada", **claims: Any) -> str:
        """The address that the browser is sent to then."""
        brought = self.agree(url, sub, **claims)
        where = parse_qs(urlsplit(url).query)["redirect_uri"][0]
        return f"{where}?{urlencode({**brought, 'iss': self.issuer})}"

    def signed(self, claims: dict[str, Any], key: RSAKey | ECKey | None = None, algorithm: str = "") -> str:
        """A token of these claims, by the first key unless another is named."""
        key = key or self.keys[0]
        algorithm = algorithm or ("RS256" if isinstance(key, RSAKey) else "ES256")
        return jwt.encode({"alg": algorithm, "kid": key.kid}, claims, key, algorithms=[algorithm])

    def answer(self, path: str, form: dict[str, str], authorization: str) -> Answer:
        self.asked.append(path)
        if path in self.answers:
            return self.answers[path]
        if path.startswith("/authorize?") and self.at_its_page:
            return 302, self.back(self.issuer + path, self.at_its_page).encode()
        if path == "/.well-known/openid-configuration":
            return _json(200, self._about())
        if path == "/keys":
            return _json(200, {"keys": [key.as_dict(private=False) for key in self.keys]})
        if path == "/me":
            return _json(200, self.kept_back) if authorization == f"Bearer {ACCESS}" else _json(401, {})
        return self._trade(form, authorization) if path == "/token" else _json(404, {})

    def _about(self) -> dict[str, Any]:
        places = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        if self.kept_back:
            places["userinfo_endpoint"] = "me"
        where = {key: f"{self.issuer}/{place}" for key, place in places.items()}
        return {"issuer": self.issuer, **where, **self.about}

    def _trade(self, form: dict[str, str], authorization: str) -> Answer:
        """The token behind a code, once, for who asked for the code and knows the secret."""
        asked = self.codes.pop(form.get("code", ""), None)
        if asked is None or form["grant_type"] != "authorization_code" or form["redirect_uri"] != asked["redirect_uri"]:
            return _json(400, {"error": "invalid_grant"})
        hashed = hashlib.sha256(form["code_verifier"].encode()).digest()
        is_proven = base64.urlsafe_b64encode(hashed).rstrip(b"=").decode() == asked["code_challenge"]
        pair = base64.b64decode(authorization.removeprefix("Basic ")).decode().split(":")
        told = tuple(map(unquote, pair)) if authorization else (form.get("client_id"), form.get("client_secret"))
        if told != (CLIENT_ID, self.secret):
            return _json(401, {"error": "invalid_client"})
        if not is_proven:
            return _json(400, {"error": "invalid_grant"})
        now = int(time.time())
        usual = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, **asked["claims"]}
        claims = {key: value for key, value in {**usual, **self.claims}.items() if value is not None}
        signed = (self.sign or self.signed)(claims)
        return _json(200, {"id_token": signed, "access_token": ACCESS, "token_type": "Bearer"})


def _json(status: int, found: dict[str, Any]) -> Answer:
    return status, json.dumps(found).encode()


class Handler(BaseHTTPRequestHandler):
    """One request, answered by the provider."""

    def __init__(self, provider: FakeProvider, *given: Any) -> None:
        self.provider = provider
        super().__init__(*given)

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._answer({key: value[0] for key, value in parse_qs(body).items()})

    def _answer(self, form: dict[str, str]) -> None:
        status, body = self.provider.answer(self.path, form, self.headers.get("Authorization") or "")
        self.send_response(status)
        if status in {301, 302, 307}:
            self.send_header("Location", body.decode())
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nobody reads along."""


@contextmanager
def serving(*keys: RSAKey | ECKey) -> Iterator[FakeProvider]:
    """A provider with these keys, for as long as the block."""
    provider = FakeProvider(keys=list(keys))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, provider))
    server.daemon_threads = True
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=partial(server.serve_forever, 0.02), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
