"""Embeds the texts of standard input, a JSON array, with the model of `services/model`; prints machine and vectors."""

import json
import platform
import sys

from mem0_model.embedder import E5Embedder

vectors = E5Embedder().embed(json.load(sys.stdin))
print(json.dumps({"machine": platform.machine(), "vectors": vectors.tolist()}))
