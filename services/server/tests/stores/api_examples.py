"""One example for every route, in the order in which they are run. `{id}` is the first memory's id."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Example:
    """A request that is run as it stands, and documented with the answer it gets."""

    method: str
    path: str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    query: str = ""
    note: str = ""
    status: int = 200


EXAMPLES = [
    Example("GET", "/health"),
    Example("GET", "/ready", note="Needs a key, as all that follow do."),
    Example(
        "POST",
        "/memories",
        {"messages": [{"role": "user", "content": "I keep bees on the roof."}], "user_id": "alice"},
        {"Idempotency-Key": "a-key-of-your-own"},
        note="The model finds the facts in the conversation and decides what they change. `infer: false` keeps every "
        "message word for word, without the model and the graph. A repeat with the same Idempotency-Key (kept for 24 "
        'hours) gives the first reply and stores nothing again. `pending: ["graph"]` in a reply says that the '
        "memory is stored and its relations follow.",
    ),
    # Before there are two memories: lines come in the order of ids, which are random.
    Example(
        "GET",
        "/export",
        query="user_id=alice",
        note="Without an id: everything. `vectors=true` adds the embeddings. An export without its last line is not "
        "whole.",
    ),
    Example(
        "POST",
        "/memories",
        {
            "messages": "The spare key is under the pot.",
            "user_id": "alice",
            "infer": False,
            "metadata": {"source": "chat", "year": 2024},
        },
    ),
    Example(
        "GET",
        "/memories",
        query="user_id=alice&limit=1&order=newest",
        note="By `user_id`, `agent_id`, `run_id` or several of them; `order` is newest, oldest or updated. `total` "
        "counts the memories; `relations` are a page of `limit` and `offset` too.",
    ),
    Example("GET", "/memories/{memory_id}"),
    Example(
        "POST",
        "/search",
        {"query": "Which animals do I have?", "user_id": "alice", "limit": 1},
        note="`score` is upstream's distance (0 is best), `similarity` its opposite (1 is best); `threshold` is the "
        'least similarity. `degraded: ["graph"]` in a reply says that the graph could not be asked.',
    ),
    Example(
        "POST",
        "/search",
        {"query": "key", "user_id": "alice", "filters": {"source": "chat", "year": {"gte": 2020}}},
        note='Operators: eq, ne, in, nin, gt, gte, lt, lte, contains, icontains, `"*"` for any value; AND, OR, NOT '
        "take lists of filters.",
    ),
    Example("PUT", "/memories/{memory_id}", {"text": "I keep bees in the garden.", "metadata": {"source": "me"}}),
    Example("GET", "/memories/{memory_id}/history"),
    Example("GET", "/users"),
    Example(
        "POST",
        "/import",
        [
            {
                "type": "memory",
                "id": "6f2c0e5e-6f0e-4d3e-9d55-2f8f4f4b7a10",
                "memory": "The dentist is in May.",
                "user_id": "alice",
            }
        ],
        note="JSON lines, as /export gives them. Memories whose id is there are skipped, so an import that broke off "
        "is simply repeated.",
    ),
    Example("DELETE", "/memories/{memory_id}"),
    Example("DELETE", "/memories", query="user_id=alice", note="All of them, and their part of the graph."),
    Example(
        "POST",
        "/admin/maintenance",
        {"seconds": 60, "drain_seconds": 30},
        note="Writers get 503 with Retry-After; `drained` says that nothing is under way any more.",
    ),
    Example("GET", "/admin/maintenance"),
    Example("DELETE", "/admin/maintenance"),
    Example("POST", "/admin/canary", note="What `./mem0 health` asks; its user, `mem0:canary`, is nobody else's name."),
    Example("POST", "/admin/hold", {"seconds": 60}),
    Example("GET", "/admin/hold"),
    Example("DELETE", "/admin/hold"),
    Example(
        "GET",
        "/admin/repairs",
        note="The reason says which store refuses what. Such writes are also counted in `/ready` and as a metric.",
    ),
    Example("POST", "/admin/repairs/{repair_id}/retry", status=404),
    Example("DELETE", "/admin/repairs/{repair_id}", status=404),
    Example("POST", "/reset", status=403),
    Example("POST", "/configure", {"llm": {"provider": "openai"}}, status=403),
]
