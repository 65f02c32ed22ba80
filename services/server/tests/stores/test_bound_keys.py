"""A key bound to users sees and changes nobody else's memories, on whatever route there is."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.stores.stack import BOUND_TO, Server

SECRET = "zephyrine"
"""Stands in every memory and relation of others, and in no request of the bound key."""
MINE = BOUND_TO[0]
THEIRS: list[dict[str, str]] = [
    {"user_id": "theirs"},
    {"user_id": "theirs", "agent_id": "shared"},
    {"agent_id": "shared"},
    {"run_id": "shared"},
    {"user_id": "user"},
]
FOREIGN = [*THEIRS, {"user_id": "mine "}, {"user_id": "MINE"}, {"user_id": "nobody"}, {"agent_id": MINE}]
"""Scopes that the bound key does not reach, whether there is anything in them or not."""


@dataclass
class Attempt:
    """A request of the bound key, and the status that it has to be answered with."""

    status: int
    path: str = ""
    query: dict[str, Any] = field(default_factory=dict)
    body: Any = None
    lines: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class World:
    """What there is of others: ids of their memories, and of one that they deleted."""

    ids: list[str]
    deleted: str


@pytest.fixture(scope="module")
def world(server: Server) -> World:
    ids = []
    with server.client() as admin:
        for scope in THEIRS:
            for infer in (True, False):
                body = {"messages": f"{SECRET.title()} works at {SECRET}.", "infer": infer, **scope}
                ids += [one["id"] for one in admin.post("/memories", json=body).raise_for_status().json()["results"]]
        deleted = ids.pop(1)
        admin.delete(f"/memories/{deleted}").raise_for_status()
        mine = {"messages": "I keep bees.", "user_id": MINE, "agent_id": "shared"}
        admin.post("/memories", json=mine).raise_for_status()
    assert len(ids) >= len(THEIRS)
    return World(ids, deleted)


@pytest.fixture
def bound(server: Server) -> Iterator[httpx.Client]:
    with server.client("bound") as made:
        yield made


def attempts(world: World) -> dict[str, list[Attempt]]:
    """For each route all that a bound key may try. A route that is not here has not been thought about."""
    by_id = [*world.ids, world.deleted, str(uuid.UUID(int=0))]
    search = {"query": "Who works where?", "limit": 1000}
    anything: list[dict[str, Any]] = [{"user_id": "theirs"}, {"OR": [{"user_id": "*"}, {"agent_id": "*"}]}]
    line = {"type": "memory", "memory": "planted"}
    relation = {"type": "relation", "source": "planted", "relationship": "is", "destination": "there"}
    text = {"text": "planted"}
    return {
        "GET /health": [Attempt(200)],
        "GET /ready": [Attempt(200)],
        "POST /memories": [
            *[Attempt(403, body={"messages": "planted", "infer": False, **scope}) for scope in FOREIGN],
            Attempt(400, body={"messages": "planted"}),
            Attempt(422, body={"messages": "planted", "user_id": MINE, "metadata": {"user_id": "theirs"}}),
            Attempt(200, body={"messages": "Bees are mine.", "user_id": MINE, "agent_id": "shared"}),
        ],
        "GET /memories": [
            *[Attempt(403, query=scope) for scope in FOREIGN],
            Attempt(400),
            *[Attempt(200, query={"user_id": name, "limit": 1000}) for name in BOUND_TO],
            Attempt(200, query={"user_id": MINE, "agent_id": "shared", "limit": 1000}),
        ],
        "POST /search": [
            *[Attempt(403, body={**search, **scope}) for scope in FOREIGN],
            Attempt(400, body=search),
            *[Attempt(200, body={**search, "user_id": MINE, "filters": filters}) for filters in anything],
            Attempt(200, body={**search, "query": "zephyr", "user_id": MINE, "agent_id": "shared"}),
        ],
        "GET /memories/{memory_id}": [Attempt(404, path=key) for key in by_id],
        "PUT /memories/{memory_id}": [Attempt(404, path=key, body=text) for key in by_id],
        "DELETE /memories/{memory_id}": [Attempt(404, path=key) for key in by_id],
        "GET /memories/{memory_id}/history": [Attempt(404, path=key) for key in by_id],
        "DELETE /memories": [*[Attempt(403, query=scope) for scope in FOREIGN], Attempt(400)],
        "GET /users": [Attempt(200), Attempt(200, query={"offset": 1})],
        "GET /export": [
            *[Attempt(403, query={**scope, "vectors": "true"}) for scope in FOREIGN],
            Attempt(403),
            Attempt(200, query={"user_id": MINE, "vectors": "true"}),
        ],
        "POST /import": [
            Attempt(
                200,
                lines=[
                    *[{**line, "id": str(uuid.uuid4()), **scope} for scope in FOREIGN],
                    *[{**line, "id": key, "user_id": MINE} for key in world.ids],
                    *[{**line, "id": key, **scope} for key, scope in zip(world.ids, THEIRS, strict=False)],
                    *[{**relation, **scope} for scope in FOREIGN],
                ],
            ),
            # The id of a memory that somebody else had, and deleted.
            Attempt(200, lines=[{**line, "id": world.deleted, "user_id": MINE}]),
        ],
        "POST /reset": [Attempt(403)],
        "POST /configure": [Attempt(403, body={})],
        "POST /admin/maintenance": [Attempt(403, body={"seconds": 1})],
        "GET /admin/maintenance": [Attempt(200)],
        "DELETE /admin/maintenance": [Attempt(403)],
        "POST /admin/canary": [Attempt(403)],
        "POST /admin/hold": [Attempt(403, body={"seconds": 1})],
        "GET /admin/hold": [Attempt(200)],
        "DELETE /admin/hold": [Attempt(403)],
        "GET /admin/repairs": [Attempt(403)],
        "POST /admin/repairs/{repair_id}/retry": [Attempt(403, path=world.ids[0])],
        "DELETE /admin/repairs/{repair_id}": [Attempt(403, path=world.ids[0])],
    }


def test_every_route_is_thought_about(client: httpx.Client, world: World) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert attempts(world).keys() == {f"{way.upper()} {path}" for path, ways in paths.items() for way in ways}


def test_no_route_gives_or_takes_anything_of_another_user(
    client: httpx.Client, bound: httpx.Client, world: World, subtests: pytest.Subtests
) -> None:
    before = everything_of_others(client)
    for route, tries in attempts(world).items():
        method, template = route.split()
        for attempt in tries:
            head, _, rest = template.partition("{")
            path = head + (attempt.path + rest.partition("}")[2] if rest else "")
            content = "\n".join(map(json.dumps, attempt.lines)).encode() if attempt.lines else None
            with subtests.test(route=route, attempt=attempt):
                reply = bound.request(method, path, params=attempt.query, json=attempt.body, content=content)
                assert reply.status_code == attempt.status, reply.text
                assert SECRET not in reply.text.lower()
                assert not given_away(world, reply.text, asked=f"{path} {attempt.lines}")
        with subtests.test(route=route):
            assert everything_of_others(client) == before
    with subtests.test("users"):
        assert {one["user_id"] for one in bound.get("/users").json()["results"]} <= {*BOUND_TO}
    with subtests.test("history"):
        # Taken by the import above: what it was to somebody else stays there.
        [change] = bound.get(f"/memories/{world.deleted}/history").json()
        assert (change["event"], change["new_memory"]) == ("ADD", "planted")


def given_away(world: World, text: str, asked: str) -> list[str]:
    """Ids of others in an answer, but for those that the question named."""
    return [key for key in (*world.ids, world.deleted) if key in text and key not in asked]


def everything_of_others(client: httpx.Client) -> list[str]:
    lines = client.get("/export", params={"vectors": "true"}).text.splitlines()
    return sorted(line for line in lines if f'"user_id":"{MINE}"' not in line and '"exported_at"' not in line)[1:]


def test_a_memory_of_another_user_is_answered_like_one_that_is_not_there(bound: httpx.Client, world: World) -> None:
    nowhere = str(uuid.UUID(int=0))
    for method in ("GET", "DELETE"):
        theirs, nothing = (bound.request(method, f"/memories/{key}") for key in (world.ids[0], nowhere))
        documents = [
            json.dumps({**r.json(), "request_id": ""}).replace(world.ids[0], nowhere) for r in (theirs, nothing)
        ]
        assert documents[0] == documents[1]


def test_a_bound_key_does_all_that_its_role_allows_for_its_own_users(bound: httpx.Client) -> None:
    name = BOUND_TO[1]
    added = bound.post("/memories", json={"messages": "The roof has bees.", "user_id": name, "infer": False})
    key = added.raise_for_status().json()["results"][0]["id"]
    assert bound.get(f"/memories/{key}").json()["user_id"] == name
    assert bound.put(f"/memories/{key}", json={"text": "The garden has bees."}).is_success
    assert [one["event"] for one in bound.get(f"/memories/{key}/history").json()] == ["ADD", "UPDATE"]
    assert bound.post("/search", json={"query": "bees", "user_id": name}).json()["results"][0]["id"] == key
    exported = bound.get("/export", params={"user_id": name}).text
    assert bound.delete("/memories", params={"user_id": name}).json()["deleted"] == 1
    assert bound.post("/import", content=exported.encode()).json()["added"] == 1
    assert bound.delete(f"/memories/{key}").is_success
