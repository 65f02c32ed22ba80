"""Starts the service: `python -m mem0_model`."""

import logging
import sys

import uvicorn

from mem0_model.app import create_app
from mem0_model.embedder import E5Embedder
from mem0_model.settings import SettingsError, load


def main() -> int:
    """Serve until SIGTERM; return the exit code (2: a setting is wrong)."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        settings = load()
    except SettingsError as error:
        print(f"model: {error}", file=sys.stderr)
        return 2
    uvicorn.run(
        create_app(settings, E5Embedder),
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=10,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
