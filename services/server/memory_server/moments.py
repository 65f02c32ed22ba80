"""Points in time as texts: what clients send, and the one form in which they are stored."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any


def parse(text: object) -> datetime:
    """The moment that an ISO 8601 text names; one without a zone is taken as UTC. Raises ValueError."""
    # Python reads past a U+0000 at the end.
    if not isinstance(text, str) or "\x00" in text:
        raise ValueError("must be an ISO 8601 timestamp")
    try:
        parsed = datetime.fromisoformat(text)
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        # OverflowError: a moment whose year in UTC is none, e.g. the end of 9999 in Los Angeles.
        raise ValueError("must be an ISO 8601 timestamp") from None


def stored(text: object) -> str:
    """The same moment in UTC and of one width, so that texts are in the order of time. Raises ValueError."""
    return written(parse(text))


def stored_if_any(value: Any) -> Any:
    """The same where a value names a moment; a value that names none as it is."""
    try:
        return stored(value)
    except ValueError:
        return value


def written(moment: datetime) -> str:
    """A moment as it is stored."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def names_a_moment(text: str) -> bool:
    """Whether a text is a date with a time of day and a zone, which two writers may spell differently."""
    try:
        return len(text) > len("2024-01-01") and datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
