"""Requests made up from the OpenAPI document: mostly what it asks for, often with something wrong in it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from store_client.wire.call import Call
from store_client.wire.calls import CALLS
from store_client.wire.openapi import openapi_document

Json = Any
DOCUMENT = openapi_document(CALLS)
SCHEMAS: dict[str, Json] = DOCUMENT["components"]["schemas"]
ODD_TEXTS = (
    "",
    "\x00",
    "\ud800",
    "\n",
    "..",
    "/",
    "%2F",
    "é" * 50,
    "x" * 300,
    "null",
    "-1",
    "1e999",
    "'; --",
    "{{7*7}}",
)
TEXTS = st.one_of(st.sampled_from(ODD_TEXTS), st.text(max_size=30))
NUMBERS = st.one_of(
    st.integers(-3, 3), st.integers(), st.sampled_from([2**63, 10**40, 1e308, 0.5, -0.0, float("nan"), float("inf")])
)
TIMES = st.sampled_from(["2026-01-01T00:00:00Z", "2999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00Z"])
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=5,
)
NO_DIRECTORY = st.sampled_from(["/nonexistent", "relative", "", "/dev/null", "\x00", "/" + "x" * 300])
"""Making an experiment reads the directory: none that is there is guessed."""
QUICK = {"wait_seconds": st.sampled_from(["0", "0.01", "-1", "x", "1e9", "nan"])}
HEADER_KINDS = (
    "application/json",
    "text/html",
    "",
    "application/json; charset=latin-1",
    "multipart/form-data",
    "x/y;=",
)


@dataclass(frozen=True)
class Guess:
    """One request."""

    places: dict[str, str]
    query: dict[str, str]
    content: bytes
    name: str
    headers: dict[str, str] = field(default_factory=dict)

    def path(self, call: Call) -> str:
        """The path with its places filled in, and the query, whatever they hold."""
        kept = {
            name: quote(value, safe="", errors="surrogatepass").replace(".", "%2E")
            for name, value in self.places.items()
        }
        query = urlencode(self.query, quote_via=quote, errors="surrogatepass")
        return call.path.format_map(kept) + (f"?{query}" if query else "")


def guesses(call: Call, known: dict[str, list[str]], names: tuple[str, ...]) -> SearchStrategy[Guess]:
    """Requests of a call; `known` are ids that exist, by the name of their place."""
    operation = DOCUMENT["paths"][call.path][call.method.lower()]
    places = {
        one["name"]: st.one_of(st.sampled_from(known.get(one["name"], ["none"])), TEXTS.filter(bool))
        for one in operation["parameters"]
        if one["in"] == "path" and one["name"] != "experiment_id"
    }
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    return st.builds(
        Guess,
        st.fixed_dictionaries(places),
        _query(operation),
        st.just(b"") if body is None else bodies(body),
        st.sampled_from(names),
        st.one_of(st.just({}), st.fixed_dictionaries({"Content-Type": st.sampled_from(HEADER_KINDS)})),
    )


def _query(operation: Json) -> SearchStrategy[dict[str, str]]:
    fields = {
        one["name"]: QUICK.get(one["name"], st.one_of(values(one["schema"]).map(_as_text), TEXTS))
        for one in operation["parameters"]
        if one["in"] == "query"
    }
    return st.fixed_dictionaries({}, optional={**fields, "unknown": TEXTS})


def _as_text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def bodies(schema: Json) -> SearchStrategy[bytes]:
    """Bodies: as asked, bent, or something else altogether."""
    good = values(schema)
    return st.one_of(
        good.map(_encode),
        bent(good).map(_encode),
        bent(good).map(_encode),
        ANYTHING.map(_encode),
        st.binary(max_size=40),
    )


def _encode(value: Json) -> bytes:
    return json.dumps(value).encode()


@st.composite
def bent(draw: DrawFn, good: SearchStrategy[Json]) -> Json:
    """Something good with one key gone, replaced or too many."""
    value = draw(good)
    if not isinstance(value, dict) or not value:
        return draw(ANYTHING)
    key, bend = draw(st.sampled_from(sorted(value))), draw(st.sampled_from(["drop", "replace", "add"]))
    if bend == "drop":
        return {name: inner for name, inner in value.items() if name != key}
    return {**value, (key if bend == "replace" else draw(TEXTS)): draw(ANYTHING)}


def values(schema: Json) -> SearchStrategy[Json]:
    """Values of a JSON Schema, of the kinds that our document uses."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return ANYTHING if name == "JsonValue" else values(SCHEMAS[name])
    if "const" in schema or "enum" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return st.one_of([values(one) for one in schema[key]])
    return _typed(schema)


def _typed(schema: Json) -> SearchStrategy[Json]:
    kinds: dict[str, Callable[[], SearchStrategy[Json]]] = {
        "string": lambda: _strings(schema),
        "integer": lambda: st.integers(schema.get("minimum", -5), schema.get("maximum", 100)),
        "number": lambda: st.one_of(st.integers(0, 3), st.floats(0.1, 30, allow_nan=False)),
        "array": lambda: st.lists(values(schema.get("items", {})), max_size=3),
        "object": lambda: _objects(schema),
    }
    plain = {"boolean": st.booleans(), "null": st.none()}
    name = schema.get("type", "")
    return kinds[name]() if name in kinds else plain.get(name, ANYTHING)


def _strings(schema: Json) -> SearchStrategy[str]:
    if schema.get("format") == "date-time":
        return TIMES
    if "pattern" in schema:
        return st.from_regex(schema["pattern"].removesuffix("$") + r"\Z", fullmatch=True)
    least = schema.get("minLength", 0)
    return st.text(min_size=least, max_size=max(least, min(schema.get("maxLength", 30), 30)))


def _objects(schema: Json) -> SearchStrategy[Json]:
    named = {
        name: NO_DIRECTORY if name == "directory" else values(inner)
        for name, inner in schema.get("properties", {}).items()
    }
    required = set(schema.get("required", ()))
    whole = st.fixed_dictionaries(
        {name: named[name] for name in sorted(required)},
        optional={name: one for name, one in named.items() if name not in required},
    )
    more = schema.get("additionalProperties")
    if not named and more is not False:
        return st.dictionaries(TEXTS, values(more) if isinstance(more, dict) else ANYTHING, max_size=3)
    return whole
