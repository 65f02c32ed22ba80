"""The front door: who may ask at all, decided from a request's headers, before anything of its body is read.

Against pages of other sites: they reach loopback through the browser, under a name of their own that they point at it
(DNS rebinding, so `Host` is checked) or under ours (so `Origin` and `Sec-Fetch-Site` are). There is no CORS.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote_to_bytes, urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from memory_server.auth import Keyring, Principal
from memory_server.errors import Problem, answer
from memory_server.limits import Lanes, RateLimiter

MAX_HEADERS = 100
MAX_HEADER_BYTES = 32 * 1024
PIECE = 64 * 1024
"""Of a reply: the next goes out when the reader has taken what was sent, so that a reply under way keeps its lane."""

OPEN = frozenset({"/", "/health", "/docs", "/openapi.json"})
OPEN_BELOW = ("/docs/", "/.well-known/")
"""Clients look for OAuth below the last, and take 404 for none; they would drop their key at 401."""

STRICT = "default-src 'none'; frame-ancestors 'none'"
PAGES = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""For /docs: Swagger UI styles its elements itself."""


class FrontDoor:
    """ASGI middleware: host, origin, key, rate and lane of a request, and the headers that every reply has."""

    def __init__(
        self, app: ASGIApp, keyring: Keyring, limiter: RateLimiter, lanes: Lanes, hosts: Iterable[str]
    ) -> None:
        self._app = app
        self._keyring = keyring
        self._limiter = limiter
        self._lanes = lanes
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if it may come in; otherwise answer without having read its body."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        reply = _in_pieces(_with_headers(scope, send))
        try:
            who = self._examined(scope)
        except Problem as problem:
            await answer(problem, scope, reply)
            return
        try:
            with self._lanes.enter(who.name if who else None, scope["path"]):
                await self._app(scope, receive, reply)
        except Problem as problem:
            await answer(problem, scope, reply)

    def _examined(self, scope: Scope) -> Principal | None:
        """Who asks; None where nobody has to say. Raises Problem."""
        if scope["type"] != "http":
            raise Problem(400, "no-websockets", "This server speaks HTTP only.")
        raw = scope["headers"]
        if len(raw) > MAX_HEADERS or sum(len(name) + len(value) for name, value in raw) > MAX_HEADER_BYTES:
            limits = f"{MAX_HEADERS} headers of {MAX_HEADER_BYTES} bytes together"
            raise Problem(431, "headers-too-large", f"A request may have at most {limits}.")
        _check_query(scope["query_string"])
        headers = Headers(raw=raw)
        host = self._checked_host(headers)
        _check_origin(headers, host)
        path: str = scope["path"]
        if path in OPEN or path.startswith(OPEN_BELOW):
            return None
        return self._known(headers, scope)

    def _checked_host(self, headers: Headers) -> str:
        """The host that the request is for, with its port. Raises Problem 400 or 421."""
        given = headers.getlist("host")
        if len(given) != 1:
            raise Problem(400, "no-host", "A request has exactly one Host header.")
        host = given[0].lower()
        name = _name(host)
        if name not in self._hosts:
            detail = (
                f"This server does not answer to the name {name[:253]!r}. If it should, add it to the setting "
                "network.hostNames and run ./mem0 up."
            )
            raise Problem(421, "host-not-allowed", detail)
        return host

    def _known(self, headers: Headers, scope: Scope) -> Principal:
        """The owner of the request's key, within its rate. Raises Problem 401 or 429."""
        key = headers.get("x-api-key")
        who = self._keyring.find(key) if key else None
        self._limiter.take(who.name if who else None)
        if who is None:
            detail = "The X-API-Key header is wrong." if key else "The X-API-Key header is missing."
            raise Problem(401, "unauthorized", detail, headers={"WWW-Authenticate": 'ApiKey header="X-API-Key"'})
        scope.setdefault("state", {})["principal"] = who
        return who


def _check_query(query: bytes) -> None:
    """Raises Problem 400 for what is no text: read with replacements, two names would become one."""
    try:
        unquote_to_bytes(query).decode()
    except UnicodeDecodeError:
        raise Problem(400, "bad-query", "The query string is not UTF-8, percent-encoded.") from None


def _name(host: str) -> str:
    """A host without its port and the dot that ends a full name."""
    name, colon, port = host.rpartition(":")
    without = name if colon and port.isdigit() else host.removesuffix(":")
    return without.removesuffix(".")


def _check_origin(headers: Headers, host: str) -> None:
    """Raises Problem 403 for a request that a page of another origin makes, but for following a link."""
    origins = headers.getlist("origin")
    site = headers.get("sec-fetch-site", "none")
    follows_a_link = headers.get("sec-fetch-mode") == "navigate" and not origins
    ours = all(_is_of(host, origin) for origin in origins)
    if not ours or (site not in {"none", "same-origin"} and not follows_a_link):
        detail = "A page of another origin asks. This server is read by its own pages, and by programs, only."
        raise Problem(403, "foreign-origin", detail)


def _is_of(host: str, origin: str) -> bool:
    """Whether an origin is this host; its port may have been left out, as that of the scheme is."""
    try:
        parts = urlsplit(origin.lower())
    except ValueError:
        return False
    usual = {"http": ":80", "https": ":443"}.get(parts.scheme)
    return usual is not None and parts.netloc.removesuffix(usual) == host.removesuffix(usual)


def _with_headers(scope: Scope, send: Send) -> Send:
    page = scope.get("path", "").startswith("/docs")
    fixed = [
        (b"content-security-policy", (PAGES if page else STRICT).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"x-frame-options", b"DENY"),
        (b"referrer-policy", b"no-referrer"),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cache-control", b"max-age=3600" if scope.get("path", "").startswith("/docs/") else b"no-store"),
    ]

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *fixed]
        await send(message)

    return sent


def _in_pieces(send: Send) -> Send:
    async def sent(message: Message) -> None:
        body = message.get("body", b"") if message["type"] == "http.response.body" else b""
        if len(body) <= PIECE:
            await send(message)
            return
        for start in range(0, len(body), PIECE):
            rest = start + PIECE < len(body)
            more = rest or bool(message.get("more_body"))
            await send({**message, "body": body[start : start + PIECE], "more_body": more})

    return sent
