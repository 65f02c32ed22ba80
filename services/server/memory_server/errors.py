"""Every error the API answers with, as RFC 9457 problem documents, made in this one place."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import Message, Scope, Send

from memory_server import logs

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """An answer that is not the one asked for.

    `kind` is the stable machine-readable name (the last part of `type`), `detail` the sentence for a person.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})

    def document(self) -> dict[str, Any]:
        """The problem document's members."""
        return {
            "type": f"urn:mem0:problem:{self.kind}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            **self.extra,
        }


def no_identifier() -> Problem:
    """Upstream's own rule: a memory belongs to a user, an agent or a run."""
    return Problem(400, "no-identifier", "At least one of user_id, agent_id, run_id is required.")


def not_found(memory_id: object) -> Problem:
    """The id is well formed, but no memory has it."""
    return Problem(404, "memory-not-found", f"There is no memory with the id {memory_id}.")


def store_unavailable(store: str, reason: str) -> Problem:
    """A store did not answer in time or refused; nothing was acknowledged."""
    return Problem(
        503,
        "store-unavailable",
        f"{store} {reason}. Retry later, with the same Idempotency-Key if this was an add.",
        headers={"Retry-After": "5"},
        extra={"failed": store, "reason": f"{store} {reason}"},
    )


def model_failed(reason: str) -> Problem:
    """The model did not answer, or answered with something unusable; nothing was stored."""
    return Problem(502, "model-failed", f"The model {reason}. Nothing was stored.", extra={"failed": "model"})


def text_too_long(reason: str) -> Problem:
    """The model's own limit, which differs from model to model; nothing was stored."""
    return Problem(413, "text-too-long", f"The model {reason}. Nothing was stored.", extra={"failed": "model"})


def timed_out(what: str, seconds: float) -> Problem:
    """The bound of the whole request is spent."""
    return Problem(
        503,
        "timed-out",
        f"{what} took longer than {seconds:g} s. Retry with the same Idempotency-Key if this was an add.",
        headers={"Retry-After": "5"},
    )


async def answer(problem: Problem, scope: Scope, send: Send) -> None:
    """Answer a request from outside the framework, whose body may not have been read: its connection ends with it."""
    document = _document(problem, scope)
    headers = {**problem.headers, "connection": "close"}
    await JSONResponse(document, problem.status, headers=headers, media_type=MEDIA_TYPE)(scope, _nothing, send)


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


def _document(problem: Problem, scope: Scope) -> dict[str, Any]:
    document = {**problem.document(), "instance": scope["path"]}
    if request_id := scope.get("state", {}).get("request_id"):
        document["request_id"] = request_id
    return document


def _respond(request: Request, problem: Problem) -> JSONResponse:
    return JSONResponse(
        _document(problem, request.scope), problem.status, headers=problem.headers, media_type=MEDIA_TYPE
    )


async def _on_problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)  # noqa: S101 - registered for this type only
    return _respond(request, error)


async def _on_validation(request: Request, error: Exception) -> JSONResponse:
    """Name every bad field without repeating its value: it may be a memory's text."""
    assert isinstance(error, RequestValidationError)  # noqa: S101
    mistakes = [
        {"where": ".".join(str(part) for part in item["loc"]), "what": item["msg"].removeprefix("Value error, ")}
        for item in error.errors()
    ]
    detail = "; ".join(f"{m['where']}: {m['what']}" for m in mistakes[:5])
    return _respond(request, Problem(422, "invalid-request", detail, extra={"errors": mistakes}))


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    kind = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    return _respond(request, Problem(error.status_code, kind, str(error.detail), headers=error.headers))


async def _on_unexpected(request: Request, error: Exception) -> JSONResponse:
    logs.server.exception("unexpected error", exc_info=error)
    return _respond(request, Problem(500, "internal-error", "An unexpected error; the log has it by request_id."))


def install(app: FastAPI) -> None:
    """Make `app` answer every failure with a problem document."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_unexpected)
