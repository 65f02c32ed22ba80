"""The OpenAPI document: every route says which problem documents it may answer with."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, ConfigDict, Field

from memory_server.errors import MEDIA_TYPE

MEANINGS = {
    400: "The request makes no sense as a whole.",
    401: "The key is missing or wrong.",
    403: "The key's role is too low, or the settings do not allow this.",
    404: "There is no such memory, or no such repair.",
    409: "Overtaken by another request: repeat it.",
    408: "The body came too slowly.",
    413: "The body is too large, a text in it longer than the model takes, or the reply larger than one may be.",
    421: "The server does not answer to this host name.",
    422: "A field is missing or wrong.",
    429: "Too many requests, in a second or at once: see Retry-After.",
    431: "There are too many headers, or they are too long.",
    502: "The model failed; nothing was stored.",
    503: "A store does not answer, or maintenance: see Retry-After. Nothing was acknowledged.",
}
EVERYWHERE = (401, 403, 421, 422, 429, 431, 503)
"""Any route with a key may answer with these."""

SCHEMA = "Problem"


class ProblemDocument(BaseModel):
    """RFC 9457. `type` is stable; `detail` is for people."""

    model_config = ConfigDict(extra="allow", title=SCHEMA)

    type: str = Field(examples=["urn:mem0:problem:store-unavailable"])
    title: str
    status: int
    detail: str
    instance: str
    request_id: str | None = Field(None, description="The same id is in the log and in the X-Request-Id header.")


def problems(*codes: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may answer with these status codes."""
    schema = {"$ref": f"#/components/schemas/{SCHEMA}"}
    return {
        code: {"description": MEANINGS[code], "content": {MEDIA_TYPE: {"schema": schema}}} for code in sorted(codes)
    }


def install(app: FastAPI) -> None:
    """Make `app` describe itself completely."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            schemas = made.setdefault("components", {}).setdefault("schemas", {})
            schemas[SCHEMA] = ProblemDocument.model_json_schema()
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]
