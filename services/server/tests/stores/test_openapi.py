"""The API against its own OpenAPI document: whatever fits it is answered as it says, and nothing makes a 500."""

from __future__ import annotations

import os

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings

from tests.stores.stack import KEYS, Server

EXAMPLES = int(os.environ.get("MEM0_API_EXAMPLES", "20"))


@pytest.fixture(scope="module")
def schema(server: Server) -> schemathesis.schemas.BaseSchema:
    with server.client() as client:
        document = client.get("/openapi.json").json()
    loaded = schemathesis.openapi.from_dict(document)
    loaded.config.update(base_url=f"http://127.0.0.1:{server.port}")
    return loaded


api = schemathesis.pytest.from_fixture("schema").exclude(path=["/admin/maintenance", "/"])


@api.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_request_makes_the_server_fail(case: schemathesis.Case) -> None:
    with httpx.Client(trust_env=False, timeout=60):
        reply = case.call(headers={"X-API-Key": KEYS["admin"]})
    case.validate_response(
        reply,
        checks=[
            schemathesis.checks.load_all_checks and check
            for check in (
                schemathesis.checks.not_a_server_error,
                schemathesis.openapi.checks.status_code_conformance,
                schemathesis.openapi.checks.content_type_conformance,
                schemathesis.openapi.checks.response_schema_conformance,
            )
        ],
    )
