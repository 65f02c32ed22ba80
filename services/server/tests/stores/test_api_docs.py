"""docs/api.md: every route with an example that is run here, and the answer it gets.

MEM0_WRITE_DOCS=1 writes the file; otherwise it must be as it would be written.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any

import httpx

from tests.stores.api_examples import EXAMPLES, Example
from tests.stores.stack import ROOT, Server, Stores

DOCUMENT = ROOT.parents[1] / "docs" / "api.md"
HEADER = """\
# API of the memory server

Written by `MEM0_WRITE_DOCS=1 pytest tests/stores/test_api_docs.py` in `services/server`, which runs every example
below; a test fails when this page is stale. The server itself shows the same at `/docs`, with all fields.

All routes but `/health` and the documentation need the header `X-API-Key`. The key file holds one plain key (its role
is admin), or lines of `name role key`; the roles are read, write and admin. A fourth word, `alice,bob%20b`, binds a key
to users (percent-encoded): memories of others are not there for it (404), their names are refused (403). Errors are
problem documents (RFC 9457, `application/problem+json`): `type` is stable, `detail` is for people, `request_id` is in
the log.

| status | meaning |
|---|---|
"""
# What differs from run to run.
CHANGING: list[tuple[re.Pattern[str], str]] = [
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00"), "2024-05-01T08:30:00.000000+00:00"),
    (re.compile(r'("request_id": )"[0-9a-f]+"'), r'\1"8f14e45fceea167a5a36dedd4bea2543"'),
    (re.compile(r'("key": )"[0-9a-f]{32}"'), r'\1"6c3a7b0f5d1e4f6f9f0f2d0b8a1c2e3d"'),
    (re.compile(r'("(?:\w+_)?milliseconds": )[\d.]+'), r"\g<1>1.5"),
    (re.compile(r'("seconds_left": )[1-9][\d.]*'), r"\g<1>59.9"),
    (re.compile(r'("score": )[\d.e-]+'), r"\g<1>0.42"),
    (re.compile(r'("similarity": )[\d.e-]+'), r"\g<1>0.58"),
]
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def test_every_route_has_an_example_that_works(server: Server, stores: Stores) -> None:
    with server.client() as client:
        description = client.get("/openapi.json").json()
        text = HEADER + "".join(f"| {code} | {what} |\n" for code, what in meanings(description))
        key = ""
        ids: dict[str, str] = {}
        sections: dict[str, str] = {}
        for example in EXAMPLES:
            reply = run(client, example, key)
            assert reply.status_code == example.status, f"{example.method} {example.path}: {reply.text}"
            if not key and example.method == "POST" and example.path == "/memories":
                key = reply.json()["results"][0]["id"]
            head = f"{example.method} {example.path}"
            if head not in sections:
                operation = description["paths"][example.path][example.method.lower()]
                sections[head] = f"\n## {head}\n\n{operation['description']}\n"
            sections[head] += stable(render(example, reply, key), ids)
    text += "".join(sections.values())
    documented = {(example.method.lower(), example.path) for example in EXAMPLES}
    routes = {(method, path) for path, methods in description["paths"].items() for method in methods}
    assert documented == routes
    if os.environ.get("MEM0_WRITE_DOCS"):
        DOCUMENT.write_text(text, encoding="utf-8")
    assert DOCUMENT.read_text(encoding="utf-8") == text, "docs/api.md is stale: see its first lines"


def address(example: Example, key: str) -> str:
    """Path and query; the first memory's id stands for every id."""
    return re.sub(r"\{\w+_id\}", key, example.path) + (f"?{example.query}" if example.query else "")


def run(client: httpx.Client, example: Example, key: str) -> httpx.Response:
    path = address(example, key)
    if isinstance(example.body, list):
        lines = "\n".join(json.dumps(line) for line in example.body)
        return client.request(example.method, path, content=lines.encode(), headers=example.headers)
    return client.request(example.method, path, json=example.body, headers=example.headers)


def meanings(description: dict[str, Any]) -> list[tuple[str, str]]:
    found: dict[str, str] = {}
    for methods in description["paths"].values():
        for operation in methods.values():
            for code, answer in operation["responses"].items():
                if "application/problem+json" in answer.get("content", {}):
                    found[code] = answer["description"]
    return sorted(found.items())


def render(example: Example, reply: httpx.Response, key: str) -> str:
    path = address(example, key)
    text = f"\n{example.note}\n" if example.note else ""
    command = [f"curl -X {example.method} 'http://localhost:8888{path}' -H \"X-API-Key: $KEY\""]
    if example.path == "/health":
        command = ["curl 'http://localhost:8888/health'"]
    command += [f"-H '{name}: {value}'" for name, value in example.headers.items()]
    if isinstance(example.body, list):
        command += [f"--data-binary '{json.dumps(line)}'" for line in example.body]
    elif example.body is not None:
        command += ["-H 'Content-Type: application/json'", f"-d '{json.dumps(example.body)}'"]
    kind = "json" if "json" in reply.headers["content-type"] and "ndjson" not in reply.headers["content-type"] else ""
    answer = json.dumps(reply.json(), indent=2) if kind else reply.text.rstrip().replace('":', '": ')
    request = " \\\n  ".join(command)
    return f"{text}\n```sh\n{request}\n```\n\n`{reply.status_code}`\n\n```{kind}\n{answer}\n```\n"


def stable(text: str, ids: dict[str, str]) -> str:
    """Replace what differs from run to run; the same id stays the same id."""
    for pattern, instead in CHANGING:
        text = pattern.sub(instead, text)
    return UUID.sub(lambda match: ids.setdefault(match[0], f"00000000-0000-4000-8000-{len(ids) + 1:012d}"), text)
