from __future__ import annotations

import json
import logging

import pytest

from memory_server import logs


def formatted(record: logging.LogRecord) -> dict[str, object]:
    line: dict[str, object] = json.loads(logs.JsonLines().format(record))
    return line


def test_a_trace_names_places_and_never_the_message_of_the_error() -> None:
    try:
        raise ValueError("the text of a memory")
    except ValueError:
        import sys  # noqa: PLC0415

        record = logging.LogRecord("x", logging.ERROR, __file__, 1, "unexpected", None, sys.exc_info())
    line = formatted(record)
    assert line["error"] == "ValueError"
    assert "the text of a memory" not in json.dumps(line)
    assert "test_logs.py" in json.dumps(line["trace"])


def test_an_audit_line_says_who_and_what(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        logs.audit("add", key="bot", scope={"user_id": "alice"}, memories=[])
    line = formatted(caplog.records[-1])
    assert (line["audit"], line["key"], line["scope"]) == ("add", "bot", {"user_id": "alice"})
