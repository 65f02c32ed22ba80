from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import whole_parse

from memory_server.settings import Settings, load_settings

whole_parse.install()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What a finalizer raises fails: it was left open by a test before."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning"))


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """The least environment a server starts with."""
    for name, secret in {"pg": "p@ss/w#rd%", "neo": "graph-password", "api": "0123456789abcdef"}.items():
        (tmp_path / name).write_text(f"{secret}\n")
    return {
        "INSTANCE_ID": "0123456789abcdef",
        "POSTGRES_DB": "mem0_test",
        "POSTGRES_USER": "mem0_user_test",
        "POSTGRES_PASSWORD_FILE": str(tmp_path / "pg"),
        "NEO4J_PASSWORD_FILE": str(tmp_path / "neo"),
        "API_KEY_FILE": str(tmp_path / "api"),
        "HISTORY_DB_PATH": str(tmp_path / "data" / "history.db"),
    }


@pytest.fixture
def settings(env: dict[str, str]) -> Callable[..., Settings]:
    return lambda **more: load_settings(env | more)
