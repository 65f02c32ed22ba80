"""Whether the chat model answers. Asked seldom: each question takes its time and, where the model is sold, money."""

from __future__ import annotations

import asyncio

from memory_server import extraction
from memory_server.domain import Scope
from memory_server.model_client import ModelClient

FRESH_S = 3600.0
"""So long after an answer to whomever the model counts as answering; after a failure it is asked anew."""
SENTENCE = "I keep bees on the roof."


class ChatCheck:
    """Asks what every add asks, so that a model that knows no tools is found too."""

    def __init__(self, model: ModelClient) -> None:
        self._model = model
        self._asking: asyncio.Task[dict[str, str]] | None = None

    async def ask(self) -> None:
        """Return when the model answers. Raises ModelError.

        A caller with less patience than the model may leave: the question goes on, and the next caller has its answer.
        """
        if self._model.chat_answered_within(FRESH_S):
            return
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(extraction.entities(self._model, SENTENCE, Scope("ready")))
            # Looked at even if every caller has left: asyncio complains about errors unseen.
            self._asking.add_done_callback(lambda task: task.cancelled() or task.exception())
        await asyncio.shield(self._asking)
