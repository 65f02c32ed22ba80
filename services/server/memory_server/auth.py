"""API keys: named, with a role each, compared in constant time.

The key file holds either one plain key (it is named `admin` and has that role), or one key a line as
`name role key`, for example:

    person  admin  3f8c...
    bot     write  91aa...
    grafana read   77be...

Empty lines and lines that start with `#` are skipped. Roles include the ones before them: read, write, admin.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader

from memory_server.errors import Problem
from memory_server.limits import RateLimiter

MIN_KEY_LENGTH = 16
_header = APIKeyHeader(name="X-API-Key", auto_error=False, description="One of the keys of this stack.")


class Role(IntEnum):
    """What a key may do; a higher role may do all that a lower one may."""

    READ = 1
    WRITE = 2
    ADMIN = 3


@dataclass(frozen=True)
class Principal:
    """Who is asking."""

    name: str
    role: Role


class KeyFileError(Exception):
    """All that is wrong with the key file, without repeating a key."""


class Keyring:
    """The keys of this stack. Holds digests only."""

    def __init__(self, entries: list[tuple[Principal, str]]) -> None:
        self._entries = [(principal, _digest(key)) for principal, key in entries]

    @classmethod
    def parse(cls, text: str) -> Keyring:
        """Read a key file's content. Raises KeyFileError naming every bad line."""
        lines = [(n, line.split()) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
        lines = [(n, words) for n, words in lines if not words[0].startswith("#")]
        if len(lines) == 1 and len(lines[0][1]) == 1:
            lines = [(lines[0][0], ["admin", "admin", lines[0][1][0]])]
        problems: list[str] = []
        entries: list[tuple[Principal, str]] = []
        names: set[str] = set()
        for number, words in lines:
            if len(words) != 3:
                problems.append(f"line {number}: expected `name role key`, found {len(words)} words")
                continue
            name, role, key = words
            if not re.fullmatch(r"[a-z][a-z0-9_-]{0,31}", name):
                problems.append(f"line {number}: a name is lower-case letters, digits, _ and -, at most 32")
            if name in names:
                problems.append(f"line {number}: the name {name} is used twice")
            if role.upper() not in Role.__members__:
                problems.append(f"line {number}: the role must be read, write or admin")
            if len(key) < MIN_KEY_LENGTH:
                problems.append(f"line {number}: a key has at least {MIN_KEY_LENGTH} characters")
            names.add(name)
            if not problems:
                entries.append((Principal(name, Role[role.upper()]), key))
        if not lines:
            problems.append("the file holds no key")
        if problems:
            raise KeyFileError("; ".join(problems))
        return cls(entries)

    def find(self, key: str) -> Principal | None:
        """The owner of a key. Takes the same time whether, and where, it is found."""
        digest = _digest(key)
        found: Principal | None = None
        for principal, known in self._entries:
            if hmac.compare_digest(digest, known):
                found = principal
        return found


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def require(role: Role) -> Callable[..., Awaitable[Principal]]:
    """A dependency that lets only keys of at least `role` through, within their rate."""

    async def check(request: Request, key: Annotated[str | None, Security(_header)] = None) -> Principal:
        keyring: Keyring = request.app.state.keyring
        limiter: RateLimiter = request.app.state.limiter
        principal = keyring.find(key) if key else None
        limiter.take(principal.name if principal else None)
        if principal is None:
            detail = "The X-API-Key header is wrong." if key else "The X-API-Key header is missing."
            raise Problem(401, "unauthorized", detail, headers={"WWW-Authenticate": 'ApiKey header="X-API-Key"'})
        request.scope.setdefault("state", {})["principal"] = principal.name
        if principal.role < role:
            have, need = principal.role.name.lower(), role.name.lower()
            raise Problem(403, "role-too-low", f"The key {principal.name} has the role {have}; this needs {need}.")
        return principal

    return check


Reader = Annotated[Principal, Depends(require(Role.READ))]
Writer = Annotated[Principal, Depends(require(Role.WRITE))]
Admin = Annotated[Principal, Depends(require(Role.ADMIN))]
