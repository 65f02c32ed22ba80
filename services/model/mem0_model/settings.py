"""Settings of the service, read once from the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass


class SettingsError(ValueError):
    """A setting has a value that the service cannot use; the text names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What may differ between installations. Sizes are bytes, times seconds."""

    host: str = "0.0.0.0"  # noqa: S104  a container publishes nothing by itself
    port: int = 8000
    #: texts embedded, or prompts answered, at the same time; one CPU core each
    workers: int = 2
    #: requests that may wait for a worker; the next one gets 429
    queue: int = 64
    max_body: int = 8 * 1024 * 1024


_VARIABLES = {
    "MODEL_PORT": ("port", 1, 65535),
    "MODEL_WORKERS": ("workers", 1, 64),
    "MODEL_QUEUE": ("queue", 1, 10_000),
    "MODEL_MAX_BODY": ("max_body", 1024, 1024 * 1024 * 1024),
}


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of `environ`, or raise `SettingsError` that tells every mistake."""
    values: dict[str, int] = {}
    mistakes: list[str] = []
    for variable, (field, low, high) in _VARIABLES.items():
        text = environ.get(variable, "").strip()
        if not text:
            continue
        if text.isascii() and text.isdigit() and low <= int(text) <= high:
            values[field] = int(text)
        else:
            mistakes.append(
                f"{variable} is {text!r}: a whole number from {low} to {high} is needed"
            )
    if mistakes:
        raise SettingsError("; ".join(mistakes))
    return Settings(**values)  # type: ignore[arg-type]
