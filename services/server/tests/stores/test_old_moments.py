"""Memories that upstream wrote in other zones come in the order of time, once the server has been through them."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

from tests.stores.stack import Server, Stores, eventually, running

# From the oldest to the newest, and as texts in another order.
WRITTEN = ["2025-07-24T20:00:00-07:00", "2025-07-25T04:00:00", "2025-07-25T01:30:00-04:00", "2025-07-25T05:45:00.5Z"]


def test_older_rows_are_listed_in_the_order_of_time(stores: Stores, data: Path) -> None:
    stores.wipe()
    server = Server(stores, data)
    with running(server) as client:
        said = {"messages": "now", "user_id": "old", "infer": False}
        key = client.post("/memories", json=said).json()["results"][0]["id"]
    for moment in [*WRITTEN, "yesterday"]:
        payload = {"user_id": "old", "data": moment, "created_at": moment, "updated_at": moment, "mine": moment}
        stores.sql(
            "INSERT INTO memories SELECT %s, vector, %s::jsonb FROM memories WHERE id = %s",
            uuid.uuid4(),
            json.dumps(payload),
            key,
        )
    ask = {"user_id": "old", "order": "oldest"}
    with running(server) as client:

        def listed() -> bool:
            found = [one["memory"] for one in client.get("/memories", params=ask).json()["results"]]
            assert len(found) == len(WRITTEN) + 2
            return [text for text in found if text in WRITTEN] == WRITTEN

        eventually("older rows are in order", listed, 20)
        [one] = [m for m in client.get("/memories", params=ask).json()["results"] if m["memory"] == WRITTEN[0]]
        assert one["created_at"] == "2025-07-25T03:00:00+00:00"
        assert one["metadata"] == {"mine": WRITTEN[0]}
