"""HTTP connections that hold nothing for ever: uvicorn's own, with bounds that it does not have.

A head of a request has a size and a time in which it must be whole, and a reader has a time in which it must go on
taking what is sent to it; one that stalls is cut off, which ends its request and gives back all it held.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from memory_server import logs

MAX_HEAD = 64 * 1024
HEAD_S = 15.0
STALL_S = 30.0
LEAST_TAKEN = 16 * 1024
"""Bytes that a reader has to take within STALL_S, where more than that waits for it."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection. The bounds are attributes of the class, so that a test can have shorter ones."""

    head_s = HEAD_S
    stall_s = STALL_S

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the head of the first request."""
        super().connection_made(transport)
        self._reads_head = False
        self._head_bytes = 0
        self._waits_to_write = 0
        self._stall: asyncio.TimerHandle | None = None
        self._head: asyncio.TimerHandle | None = self.loop.call_later(self.head_s, self._head_is_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """End all waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what is no whole head yet: the parser would gather a header of any length."""
        in_head = self._reads_head
        super().data_received(data)
        if not (in_head and self._reads_head):
            return
        self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD and not self.transport.is_closing():
            self._refuse(431, f"The head of a request may have at most {MAX_HEAD} bytes.")

    def on_message_begin(self) -> None:
        """The first byte of a request has come."""
        super().on_message_begin()
        self._reads_head = True
        if self._head is None:
            self._head = self.loop.call_later(self.head_s, self._head_is_late)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._reads_head = False
        self._head_bytes = 0
        if self._head:
            self._head.cancel()
            self._head = None
        super().on_headers_complete()

    def _head_is_late(self) -> None:
        self._head = None
        if self.transport.is_closing():
            return
        if self._reads_head:
            self._refuse(408, f"The head of the request was not whole within {self.head_s:g} s.")
        else:
            self.transport.close()

    def _refuse(self, status: int, reason: str) -> None:
        head = [STATUS_LINE[status], b"content-type: text/plain; charset=utf-8\r\nconnection: close\r\n"]
        self.transport.write(b"".join([*head, b"content-length: %d\r\n\r\n" % len(reason), reason.encode()]))
        self.transport.close()

    def pause_writing(self) -> None:
        """The reader is behind: see to it that it goes on."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """The reader has caught up."""
        super().resume_writing()
        if self._stall:
            self._stall.cancel()
            self._stall = None

    def _watch(self) -> None:
        self._waits_to_write = self.transport.get_write_buffer_size()
        self._stall = self.loop.call_later(self.stall_s, self._look_at_reader)

    def _look_at_reader(self) -> None:
        if self._waits_to_write - self.transport.get_write_buffer_size() >= LEAST_TAKEN:
            self._watch()
            return
        logs.server.warning("a reader stalled and was cut off", extra={"fields": {"waited_s": self.stall_s}})
        self.transport.abort()

    def timeout_keep_alive_handler(self) -> None:
        """Nothing more was asked; what has not been taken by now is not wanted."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def _stop_waiting(self) -> None:
        for timer in (self._head, self._stall):
            if timer:
                timer.cancel()
        self._head = self._stall = None


def bounded(head_s: float, stall_s: float) -> type[BoundedProtocol]:
    """Connections with these bounds, in seconds."""
    bounds: dict[str, Any] = {"head_s": head_s, "stall_s": stall_s}
    return type("Bounded", (BoundedProtocol,), bounds)
