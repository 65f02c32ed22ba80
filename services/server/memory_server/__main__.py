"""Run the server: `python -m memory_server`. Exit codes: 0 stopped, 78 settings or stores that are not right."""

from __future__ import annotations

import os
import signal
import sys

import uvicorn

from memory_server import logs
from memory_server.app import create_app
from memory_server.auth import KeyFileError
from memory_server.connections import bounded
from memory_server.settings import SettingsError, load_settings

EX_CONFIG = 78


def main() -> int:
    """Serve until told to stop."""
    try:
        settings = load_settings(os.environ)
    except SettingsError as error:
        return _give_up("The server cannot start with these settings:", error.problems)
    logs.configure(settings.log_level)
    refusals: list[str] = []

    def refused(reason: str) -> None:
        refusals.append(reason)
        server.should_exit = True

    try:
        app = create_app(settings, refused)
    except KeyFileError as error:
        return _give_up("The file at API_KEY_FILE is not a key file:", [str(error)])
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=int(settings.shutdown_grace_s),
            timeout_keep_alive=75,
            http=bounded(settings.head_timeout_s, settings.stall_timeout_s),
            ws="none",
        )
    )
    # uvicorn stops at the signal and then raises it again for whoever started it: that is us, and all is done.
    signal.signal(signal.SIGTERM, lambda *_: None)
    server.run()
    if refusals:
        return _give_up("The server refuses to work on these stores:", refusals)
    return 0


def _give_up(title: str, reasons: list[str]) -> int:
    print(title, *(f"  - {reason}" for reason in reasons), sep="\n", file=sys.stderr, flush=True)
    return EX_CONFIG


if __name__ == "__main__":
    sys.exit(main())
