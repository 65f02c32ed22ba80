"""Prints what each candidate embedder is worth: `python bench/ranking/rank.py`.

Every candidate runs in a process of its own, so that its resident memory is its own.
"""

import json
import resource
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from candidates import CANDIDATES, HERE, Embed

#: mem0's graph merges two nodes at this cosine similarity (graph_store.threshold, its default).
MERGE = 0.7


@dataclass(frozen=True)
class Figures:
    """What is measured; times in ms a sentence, sizes in MB."""

    first: float
    mrr: float
    first_english: float
    first_german: float
    first_cross: float
    recall5: float
    merged_wrongly: float
    merged_rightly: float
    milliseconds: float
    image: float
    resident: float


def lines(name: str) -> list[dict[str, Any]]:
    """Return the objects of a file of JSON lines beside this script."""
    return [json.loads(line) for line in (HERE / name).read_text("utf-8").splitlines()]


def ranks(embed: Embed, cases: list[dict[str, Any]]) -> list[int]:
    """Return the rank of the right memory among its case's candidates (ties count against it)."""
    found = []
    for case in cases:
        scores = embed([case["right"], *case["wrong"]], False) @ embed([case["query"]], True)[0]
        found.append(1 + int((scores[1:] >= scores[0]).sum()))
    return found


def recall_at_5(embed: Embed, cases: list[dict[str, Any]]) -> float:
    """Return how often the right memory is among the first five of all right memories.

    Per language group, so that the same memory in the other language is no false rival.
    """
    hits = 0
    for group in {case["language"] for case in cases}:
        of_group = [case for case in cases if case["language"] == group]
        memories = embed([case["right"] for case in of_group], False)
        for index, case in enumerate(of_group):
            scores = memories @ embed([case["query"]], True)[0]
            hits += int((scores > scores[index]).sum()) < 5
    return hits / len(cases)


def merged(embed: Embed, pairs: list[dict[str, Any]], same: bool) -> float:
    """Return the share of node pairs that mem0's graph would make one node."""
    chosen = [pair for pair in pairs if pair["same"] is same]
    together = 0
    for pair in chosen:
        a, b = embed([pair["a"].replace("_", " "), pair["b"].replace("_", " ")], False)
        together += float(a @ b) >= MERGE
    return together / len(chosen)


def share(values: Iterable[bool]) -> float:
    """Return the share of true values."""
    return float(np.mean(list(values)))


def measure(name: str) -> Figures:
    """Measure one candidate in this process."""
    candidate = CANDIDATES[name]
    embed = candidate.load()
    cases, pairs = lines("cases.jsonl"), lines("pairs.jsonl")
    rank = ranks(embed, cases)
    of = [case["language"] for case in cases]
    sentences = [case["right"] for case in cases]
    start = time.perf_counter()
    for sentence in sentences:
        embed([sentence], False)
    took = time.perf_counter() - start
    packages = Path(sysconfig.get_paths()["platlib"])
    size = sum(
        path.stat().st_size
        for pattern in candidate.files
        for path in packages.glob(pattern)
        if path.is_file() and "__pycache__" not in path.parts
    )
    return Figures(
        first=share(r == 1 for r in rank),
        mrr=float(np.mean([1 / r for r in rank])),
        first_english=share(r == 1 for r, g in zip(rank, of, strict=True) if g == "en"),
        first_german=share(r == 1 for r, g in zip(rank, of, strict=True) if g == "de"),
        first_cross=share(r == 1 for r, g in zip(rank, of, strict=True) if g == "cross"),
        recall5=recall_at_5(embed, cases),
        merged_wrongly=merged(embed, pairs, same=False),
        merged_rightly=merged(embed, pairs, same=True),
        milliseconds=1000 * took / len(sentences),
        image=size / 1e6,
        resident=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


HEAD = (
    "| candidate | accuracy@1 | MRR | English | German | across | recall@5 "
    "| merged wrongly | merged rightly | ms/sentence | MB on disk | MB resident |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|---|"
)


def main() -> None:
    """Print one row per candidate, measured in processes of their own."""
    if len(sys.argv) == 2:
        print(json.dumps(asdict(measure(sys.argv[1]))))
        return
    print(HEAD)
    for name in CANDIDATES:
        run = subprocess.run([sys.executable, __file__, name], check=True, capture_output=True, text=True)
        f = Figures(**json.loads(run.stdout.splitlines()[-1]))
        print(
            f"| {name} | {f.first:.2f} | {f.mrr:.2f} | {f.first_english:.2f} "
            f"| {f.first_german:.2f} | {f.first_cross:.2f} | {f.recall5:.2f} "
            f"| {f.merged_wrongly:.2f} | {f.merged_rightly:.2f} | {f.milliseconds:.1f} "
            f"| {f.image:.0f} | {f.resident:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
