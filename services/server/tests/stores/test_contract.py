"""Every route with good and bad input: status codes, problem documents, keys and roles, limits."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.stores.stack import Server, Stores, running

NOBODY = str(uuid.UUID(int=0))
GOOD = {"messages": [{"role": "user", "content": "I keep bees."}], "user_id": "contract", "infer": False}

CASES: list[tuple[str, str, Any, int, str]] = [
    ("GET", "/health", None, 200, ""),
    ("GET", "/ready", None, 200, ""),
    ("GET", "/openapi.json", None, 200, ""),
    ("GET", "/docs", None, 200, ""),
    ("GET", "/", None, 307, ""),
    ("POST", "/memories", GOOD, 200, ""),
    ("POST", "/memories", {**GOOD, "user_id": None}, 400, "no-identifier"),
    ("POST", "/memories", {**GOOD, "user_id": "  "}, 400, "no-identifier"),
    ("POST", "/memories", {**GOOD, "memory_type": "core"}, 400, "bad-memory-type"),
    ("POST", "/memories", {**GOOD, "memory_type": "procedural_memory"}, 400, "no-agent"),
    ("POST", "/memories", {"user_id": "contract"}, 422, "invalid-request"),
    ("POST", "/memories", {**GOOD, "messages": []}, 422, "invalid-request"),
    ("POST", "/memories", {**GOOD, "messages": [{"role": "user"}]}, 422, "invalid-request"),
    ("POST", "/memories", {**GOOD, "messages": "a\x00b"}, 422, "invalid-request"),
    ("POST", "/memories", {**GOOD, "metadata": [1]}, 422, "invalid-request"),
    ("POST", "/memories", b"{not json", 422, "invalid-request"),
    ("POST", "/memories", b"\xff\xfe", 422, "invalid-request"),
    ("POST", "/memories", b'{"messages": "x", "user_id": "contract", "metadata": {"a": NaN}}', 422, "invalid-request"),
    ("GET", "/memories?user_id=contract", None, 200, ""),
    ("GET", "/memories", None, 400, "no-identifier"),
    ("GET", "/memories?user_id=contract&limit=0", None, 422, "invalid-request"),
    ("GET", "/memories?user_id=contract&limit=1001", None, 422, "invalid-request"),
    ("GET", "/memories?user_id=contract&order=sideways", None, 422, "invalid-request"),
    ("GET", "/memories?user_id=a%00b", None, 422, "invalid-request"),
    ("GET", f"/memories/{NOBODY}", None, 404, "memory-not-found"),
    ("GET", "/memories/not-an-id", None, 422, "invalid-request"),
    ("GET", f"/memories/{NOBODY}/history", None, 404, "memory-not-found"),
    ("PUT", f"/memories/{NOBODY}", {"text": "x"}, 404, "memory-not-found"),
    ("PUT", f"/memories/{NOBODY}", {}, 422, "invalid-request"),
    ("PUT", f"/memories/{NOBODY}", {"text": " "}, 422, "invalid-request"),
    ("DELETE", f"/memories/{NOBODY}", None, 404, "memory-not-found"),
    ("DELETE", "/memories", None, 400, "no-identifier"),
    ("DELETE", "/memories?user_id=nobody-at-all", None, 200, ""),
    ("POST", "/search", {"query": "bees", "user_id": "contract"}, 200, ""),
    ("POST", "/search", {"query": "bees"}, 400, "no-identifier"),
    ("POST", "/search", {"user_id": "contract"}, 422, "invalid-request"),
    ("POST", "/search", {"query": "bees", "user_id": "contract", "limit": -1}, 422, "invalid-request"),
    ("POST", "/search", {"query": "x", "user_id": "contract", "filters": {"a": {"like": 1}}}, 400, "bad-filter"),
    ("GET", "/users", None, 200, ""),
    ("GET", "/export?user_id=contract", None, 200, ""),
    ("POST", "/import", b"", 200, ""),
    ("POST", "/reset", None, 403, "reset-off"),
    ("POST", "/configure", {"llm": {}}, 403, "settings-are-code"),
    ("GET", "/admin/maintenance", None, 200, ""),
    ("POST", "/admin/maintenance", {"seconds": 0}, 422, "invalid-request"),
    ("DELETE", "/admin/maintenance", None, 200, ""),
    ("POST", "/admin/canary", None, 200, ""),
    ("GET", "/admin/hold", None, 200, ""),
    ("POST", "/admin/hold", {"seconds": 0}, 422, "invalid-request"),
    ("POST", "/admin/hold", {"seconds": 1, "key": "of-no-hold"}, 409, "hold-ended"),
    ("DELETE", "/admin/hold", None, 200, ""),
    ("GET", "/nowhere", None, 404, "not-found"),
    ("PATCH", "/memories", None, 405, "method-not-allowed"),
]


def send(client: httpx.Client, method: str, path: str, body: Any) -> httpx.Response:
    if isinstance(body, bytes):
        return client.request(method, path, content=body, headers={"content-type": "application/json"})
    return client.request(method, path, json=body) if body is not None else client.request(method, path)


@pytest.mark.parametrize(("method", "path", "body", "status", "kind"), CASES)
def test_every_route_answers_as_documented(
    client: httpx.Client, method: str, path: str, body: Any, status: int, kind: str
) -> None:
    reply = send(client, method, path, body)
    assert reply.status_code == status, reply.text
    assert reply.headers["x-request-id"]
    if kind:
        problem = reply.json()
        assert reply.headers["content-type"] == "application/problem+json"
        assert problem["type"] == f"urn:mem0:problem:{kind}"
        assert (problem["status"], problem["instance"]) == (status, httpx.URL(path).path)
        assert problem["detail"]


def test_a_bad_request_does_not_repeat_what_was_sent(client: httpx.Client) -> None:
    secret = "the diagnosis is secret"
    reply = client.post("/memories", json={"messages": [{"role": 5, "content": secret}], "user_id": "x"})
    assert reply.status_code == 422
    assert secret not in reply.text


@pytest.mark.parametrize(
    ("role", "method", "path", "body", "status"),
    [
        (None, "GET", "/users", None, 401),
        (None, "POST", "/memories", GOOD, 401),
        (None, "GET", "/ready", None, 401),
        (None, "GET", "/health", None, 200),
        ("read", "GET", "/users", None, 200),
        ("read", "POST", "/search", {"query": "x", "user_id": "contract"}, 200),
        ("read", "POST", "/memories", GOOD, 403),
        ("read", "PUT", f"/memories/{NOBODY}", {"text": "x"}, 403),
        ("read", "DELETE", f"/memories/{NOBODY}", None, 403),
        ("read", "DELETE", "/memories?user_id=x", None, 403),
        ("read", "POST", "/import", b"", 403),
        ("write", "POST", "/memories", GOOD, 200),
        ("write", "POST", "/reset", None, 403),
        ("write", "POST", "/configure", {}, 403),
        ("write", "POST", "/admin/maintenance", {"seconds": 1}, 403),
        ("write", "DELETE", "/admin/maintenance", None, 403),
        ("write", "POST", "/admin/canary", None, 403),
        ("write", "POST", "/admin/hold", {"seconds": 1}, 403),
        ("write", "DELETE", "/admin/hold", None, 403),
    ],
)
def test_a_key_may_do_what_its_role_may(
    server: Server, role: str | None, method: str, path: str, body: Any, status: int
) -> None:
    with server.client(role) as client:
        reply = send(client, method, path, body)
    assert reply.status_code == status, reply.text
    if status == 401:
        assert reply.headers["www-authenticate"].startswith("ApiKey")


def test_a_wrong_key_is_told_apart_from_a_missing_one(server: Server) -> None:
    with server.client(None) as client:
        wrong = client.get("/users", headers={"X-API-Key": "wrong-key-wrong-key"})
        missing = client.get("/users")
    assert (wrong.status_code, missing.status_code) == (401, 401)
    assert wrong.json()["detail"] != missing.json()["detail"]


def test_every_write_leaves_an_audit_line_without_the_text(server: Server, user: str) -> None:
    text = "my password is swordfish"
    with server.client("write") as client:
        body = {"messages": [{"role": "user", "content": text}], "user_id": user, "infer": False}
        key = client.post("/memories", json=body).json()["results"][0]["id"]
        client.put(f"/memories/{key}", json={"text": f"{text}!"})
        client.post("/search", json={"query": f"{text}?", "user_id": user})
        client.delete(f"/memories/{key}")
        client.delete("/memories", params={"user_id": user})
    lines = [json.loads(line) for line in server.log().splitlines() if '"audit":' in line]
    mine = [line for line in lines if line.get("memory") == key or line.get("scope") == {"user_id": user}]
    assert [line["audit"] for line in mine] == ["add", "update", "delete", "delete_all"]
    assert {line["key"] for line in mine} == {"write"}
    assert "swordfish" not in server.log()


def test_no_key_and_no_password_is_in_the_log(server: Server, stores: Stores) -> None:
    log = server.log()
    for name in ("password", "keys"):
        for word in (stores.directory / name).read_text().split():
            assert len(word) < 12 or word not in log


@pytest.fixture(scope="module")
def strict(server: Server, stores: Stores, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A second server on the same stores with tight limits."""
    path: Path = tmp_path_factory.mktemp("strict")
    limits = {"MAX_BODY_BYTES": "4096", "RATE_LIMIT_PER_SECOND": "1", "ACCEPT_EMPTY": "history"}
    made = Server(stores, path, extra=limits)
    with running(made):
        yield made


@pytest.mark.parametrize("declared", [True, False])
def test_a_large_body_is_refused_declared_or_not(strict: Server, declared: bool) -> None:
    body = json.dumps({**GOOD, "messages": "x" * 5000}).encode()
    content = body if declared else iter([body[:3000], body[3000:]])
    with strict.client() as client:
        reply = client.post("/memories", content=content, headers={"content-type": "application/json"})
    assert (reply.status_code, reply.json()["type"]) == (413, "urn:mem0:problem:body-too-large")


def test_too_many_requests_are_told_when_to_come_back(strict: Server) -> None:
    with strict.client("read") as client:
        replies = [client.get("/users") for _ in range(12)]
    refused = [reply for reply in replies if reply.status_code == 429]
    assert refused
    assert int(refused[0].headers["retry-after"]) >= 1
    with strict.client("write") as client:
        assert client.get("/users").status_code == 200


def test_guessing_keys_is_slowed_down(strict: Server) -> None:
    with strict.client(None) as client:
        codes = {client.get("/users", headers={"X-API-Key": f"guess-{n}-0123456789"}).status_code for n in range(12)}
    assert codes == {401, 429}


def test_metrics_are_on_their_own_port_only(server: Server, client: httpx.Client) -> None:
    assert client.get("/metrics").status_code == 404
    text = httpx.get(f"http://127.0.0.1:{server.metrics_port}/metrics", trust_env=False).text
    for name in (
        "requests_total",
        "request_duration_seconds_bucket",
        "call_duration_seconds_bucket",
        "postgres_pool_size",
        "ready 1.0",
        'info{version="',
    ):
        assert f"mem0_server_{name}" in text
    assert "process_resident_memory_bytes" in text
    assert 'le="1.0"' in text
    assert 'le="5.0"' in text
    assert "contract" not in text


def test_ready_tells_how_long_each_store_took(client: httpx.Client) -> None:
    checks = client.get("/ready").json()["checks"]
    assert set(checks) == {"postgres", "neo4j", "history", "model", "chat"}
    assert all(check["ok"] and check["milliseconds"] >= 0 for check in checks.values())
