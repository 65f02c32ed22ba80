"""Embeds texts, a JSON array on standard input; prints the machine and the vectors."""

import json
import platform
import sys

from mem0_model.embedder import E5Embedder

vectors = E5Embedder().embed(json.load(sys.stdin))
print(json.dumps({"machine": platform.machine(), "vectors": vectors.tolist()}))
