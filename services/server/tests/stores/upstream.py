"""Upstream's library at 1.0.11 on the stores of the tests: its configuration, as plain data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from psycopg.conninfo import make_conninfo

from tests.stores.stack import DATABASE, PASSWORD, ROLE, Stores


def upstream_config(stores: Stores, directory: Path, model_url: str) -> dict[str, Any]:
    """What upstream's server is configured with, on `stores`. With `base_label`, or its graph has no index at all."""
    conninfo = make_conninfo(
        host="127.0.0.1", port=stores.ports["postgres"], dbname=DATABASE, user=ROLE, password=PASSWORD
    )
    return {
        "vector_store": {
            "provider": "pgvector",
            "config": {
                "connection_string": conninfo,
                "collection_name": "memories",
                "embedding_model_dims": 384,
                "hnsw": True,
            },
        },
        "graph_store": {
            "provider": "neo4j",
            "config": {
                "url": f"bolt://127.0.0.1:{stores.ports['neo4j']}",
                "username": "neo4j",
                "password": PASSWORD,
                "base_label": True,
            },
        },
        "llm": {
            "provider": "openai",
            "config": {"model": "mem0-rules", "openai_base_url": model_url, "api_key": "none"},
        },
        "embedder": {
            "provider": "openai",
            "config": {"model": "mem0-embedded", "openai_base_url": model_url, "api_key": "none"},
        },
        "history_db_path": str(directory / "upstream-history.db"),
    }
