"""Who may come in: hosts, origins, keys before bodies, and what every reply tells a browser."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from fastapi import FastAPI

from memory_server.app import close, create_app
from memory_server.settings import Settings

KEY = {"X-API-Key": "0123456789abcdef"}
HOSTS = "127.0.0.1,localhost,[::1],server,mem0_server_test,mac.tail1234.ts.net"


@pytest.fixture
async def app(settings: Callable[..., Settings]) -> AsyncIterator[FastAPI]:
    made = create_app(settings(ALLOWED_HOSTS=HOSTS, RATE_LIMIT_PER_SECOND="0"))
    yield made
    await close(made)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8888") as made:
        yield made


HOST_TABLE = [
    ("127.0.0.1:8888", 200),
    ("127.0.0.1", 200),
    ("LocalHost:1", 200),
    ("localhost.", 200),
    ("[::1]:8888", 200),
    ("[::1]", 200),
    ("mem0_server_test:8888", 200),
    ("mac.tail1234.ts.net", 200),
    ("evil.example", 421),
    ("127.0.0.1.evil.example:8888", 421),
    ("evil.example:127.0.0.1", 421),
    ("localhost:8888@evil.example", 421),
    ("127.0.0.2", 421),
    ("[::2]:8888", 421),
    ("0.0.0.0:8888", 421),
    ("", 421),
]


@pytest.mark.parametrize(("host", "status"), HOST_TABLE)
@pytest.mark.parametrize("path", ["/health", "/docs", "/openapi.json"])
async def test_only_allowed_host_names_are_answered(
    client: httpx.AsyncClient, host: str, status: int, path: str
) -> None:
    reply = await client.get(path, headers={"Host": host})
    assert reply.status_code == status
    if status == 421:
        assert reply.json()["type"] == "urn:mem0:problem:host-not-allowed"
        assert "network.hostNames" in reply.json()["detail"]


@pytest.mark.parametrize("query", ["user_id=%ff", "user_id=%ed%a0%80", "user_id=a&agent_id=%c3"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_a_query_that_is_no_text_is_refused(client: httpx.AsyncClient, method: str, query: str) -> None:
    reply = await client.request(method, f"/memories?{query}", headers=KEY)
    assert (reply.status_code, reply.json()["type"]) == (400, "urn:mem0:problem:bad-query")


@pytest.mark.parametrize("hosts", [[], ["localhost", "evil.example"]])
async def test_a_request_has_exactly_one_host(app: FastAPI, hosts: list[str]) -> None:
    sent: list[dict[str, object]] = []

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        sent.append(message)

    headers = [(b"host", host.encode()) for host in hosts]
    scope = {"type": "http", "method": "GET", "path": "/health", "headers": headers, "query_string": b""}
    await app(scope, never, send)
    assert sent[0]["status"] == 400


async def never() -> dict[str, object]:
    raise AssertionError("the body was read")


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "DELETE"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:3000"},
        {"Origin": "http://localhost:8888"},
        {"Origin": "http://127.0.0.1:8888.evil.example"},
        {"Origin": "file://"},
        {"Origin": "http://["},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Origin": "https://evil.example"},
    ],
)
async def test_a_page_of_another_origin_gets_nothing(
    client: httpx.AsyncClient, method: str, headers: dict[str, str]
) -> None:
    for path in ("/openapi.json", "/memories?user_id=x", "/health"):
        reply = await client.request(method, path, headers={**KEY, **headers})
        assert (reply.status_code, reply.json()["type"]) == (403, "urn:mem0:problem:foreign-origin")
        assert not [name for name in reply.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://127.0.0.1:8888", "Sec-Fetch-Site": "same-origin"},
        {"Host": "mac.tail1234.ts.net", "Origin": "https://mac.tail1234.ts.net"},
        {"Host": "mac.tail1234.ts.net:443", "Origin": "https://mac.tail1234.ts.net"},
        {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
    ],
)
async def test_its_own_pages_links_and_programs_are_answered(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    reply = await client.get("/docs", headers=headers)
    assert reply.status_code == 200


@pytest.mark.parametrize("key", [None, "guess-guess-guess-guess"])
@pytest.mark.parametrize("path", ["/memories", "/import", "/search", "/reset", "/there-is-no-such-route"])
async def test_nothing_of_a_body_is_read_before_the_key_is_known(app: FastAPI, path: str, key: str | None) -> None:
    status = 0

    async def send(message: object) -> None:
        nonlocal status
        assert isinstance(message, dict)
        status = status or message["status"]

    headers = [(b"host", b"localhost"), (b"content-type", b"application/json"), (b"content-length", b"900")]
    headers += [(b"x-api-key", key.encode())] if key else []
    scope = {"type": "http", "method": "POST", "path": path, "headers": headers, "query_string": b""}
    await app(scope, never, send)
    assert status == 401


async def test_clients_that_look_for_oauth_find_none(client: httpx.AsyncClient) -> None:
    for path in ("/.well-known/oauth-protected-resource", "/.well-known/oauth-authorization-server"):
        assert (await client.get(path)).status_code == 404


async def test_many_or_long_headers_are_refused_by_their_limit(client: httpx.AsyncClient) -> None:
    for headers in ({f"x-{n}": "y" for n in range(101)}, {"x-long": "y" * 33_000}):
        reply = await client.get("/health", headers=headers)
        assert reply.status_code == 431
        assert "32768 bytes" in reply.json()["detail"]


async def test_every_reply_forbids_a_browser_to_do_more_with_it(client: httpx.AsyncClient) -> None:
    for path in ("/health", "/docs", "/memories", "/openapi.json", "/", "/docs/files/swagger-ui.css", "/docs/none"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "default-src 'none'" in headers["content-security-policy"]


async def test_the_documentation_needs_no_other_site(client: httpx.AsyncClient) -> None:
    page = (await client.get("/docs")).text
    named = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(named) == 4
    for path in named:
        assert path.startswith("/docs/")
        assert (await client.get(path)).status_code == 200
    assert "<script>" not in page
    assert (await client.get("/docs/start.js")).headers["content-type"].startswith("text/javascript")
    assert (await client.get("/redoc", headers=KEY)).status_code == 404
