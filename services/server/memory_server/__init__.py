"""The memory server: upstream mem0's API on stores that are kept consistent."""

import os

# mem0 reads both at import: telemetry would be sent, and a directory made under $HOME.
os.environ["MEM0_TELEMETRY"] = "False"
os.environ.setdefault("MEM0_DIR", "/tmp/mem0")  # noqa: S108 - nothing of worth goes there

__version__ = "1.0.11"
"""Upstream's release whose API and data layout this server keeps."""
