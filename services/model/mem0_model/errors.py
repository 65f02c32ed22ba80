"""Errors in the form that OpenAI's clients read."""

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class ApiError(Exception):
    """A request that is answered with an error.

    `status` is the HTTP status; `kind`, `param` and `code` are the fields `type`, `param` and
    `code` of OpenAI's error object; `retry_after` (seconds) becomes the header of that name.
    """

    status: int
    message: str
    kind: str = "invalid_request_error"
    param: str | None = None
    code: str | None = None
    retry_after: int | None = None

    def body(self) -> dict[str, Any]:
        """Return the JSON body: `{"error": {"message", "type", "param", "code"}}`."""
        return {
            "error": {
                "message": self.message,
                "type": self.kind,
                "param": self.param,
                "code": self.code,
            }
        }

    def headers(self) -> dict[str, str]:
        """Return the headers that go with the error."""
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


def model_not_found(model: str, available: str) -> ApiError:
    """Return the 404 for a model name that this server does not have."""
    return ApiError(
        404,
        f"The model '{model}' does not exist here; this endpoint serves '{available}'.",
        param="model",
        code="model_not_found",
    )


def overloaded() -> ApiError:
    """Return the 429 for a full queue."""
    return ApiError(
        429,
        "All workers are busy and the queue is full; try again shortly.",
        kind="rate_limit_error",
        code="queue_full",
        retry_after=1,
    )
