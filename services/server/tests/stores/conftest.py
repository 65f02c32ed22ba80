from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import whole_parse

from tests.stores.stack import Server, Stores

whole_parse.install()


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    """Containers for the whole run; `docker ps -a` is as before at its end."""
    made = Stores(tmp_path_factory.mktemp("stores"))
    try:
        made.start()
        made.wait()
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def server(stores: Stores, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on empty stores, shared by the tests of one module."""
    stores.heal()
    stores.wipe()
    made = Server(stores, tmp_path_factory.mktemp("data"))
    made.start()
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as made:
        yield made


@pytest.fixture
def user() -> str:
    """A user nobody else has."""
    return f"user-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path
