"""API keys: named, with a role each, compared in constant time.

The key file holds either one plain key (it is named `admin` and has that role), or one key a line as
`name role key` or `name role key users`, for example:

    person  admin  3f8c...
    bot     write  91aa... alice,bob%20b
    grafana read   77be...

Empty lines and lines that start with `#` are skipped. Roles include the ones before them: read, write, admin. A key
with users is bound to them: it sees and changes nobody else's memories. Their names are percent-encoded.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated
from urllib.parse import unquote

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader

from memory_server.domain import EVERYBODY, Reach, Scope
from memory_server.errors import Problem

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
    reach: Reach = EVERYBODY

    def own(self, scope: Scope) -> Scope:
        """The scope, where this key reaches it. Raises Problem 403, the same whether that user exists or not."""
        if self.reach.covers(scope):
            return scope
        users = ", ".join(sorted(self.reach.users or ()))
        detail = f"The key {self.name} is bound to users: give one of them as user_id. Allowed: {users}."
        raise Problem(403, "not-the-keys-user", detail)


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
            found = _mistakes(words, names)
            problems += [f"line {number}: {mistake}" for mistake in found]
            names.add(words[0])
            if not found:
                name, role, key = words[:3]
                entries.append((Principal(name, Role[role.upper()], _reach(words)), key))
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


def _mistakes(words: list[str], names: set[str]) -> list[str]:
    """What is wrong with a line of a key file, beside the `names` of those before it."""
    if len(words) not in {3, 4}:
        return [f"expected `name role key` or `name role key users`, found {len(words)} words"]
    name, role, key = words[:3]
    users = _reach(words).users
    rules = {
        "a name is lower-case letters, digits, _ and -, at most 32": re.fullmatch(r"[a-z][a-z0-9_-]{0,31}", name),
        f"the name {name} is used twice": name not in names,
        "the role must be read, write or admin": role.upper() in Role.__members__,
        f"a key has at least {MIN_KEY_LENGTH} characters": len(key) >= MIN_KEY_LENGTH,
        "a user has a name": users is None or "" not in users,
        "what an admin does concerns everybody: a key with users is read or write": users is None
        or role.upper() != Role.ADMIN.name,
    }
    return [mistake for mistake, kept in rules.items() if not kept]


def _reach(words: list[str]) -> Reach:
    return Reach(frozenset(map(unquote, words[3].split(",")))) if len(words) > 3 else EVERYBODY


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def require(role: Role) -> Callable[..., Awaitable[Principal]]:
    """A dependency that lets only keys of at least `role` through. Whose key it is, the front door has found out."""

    async def check(request: Request, _key: Annotated[str | None, Security(_header)] = None) -> Principal:
        principal: Principal = request.scope["state"]["principal"]
        if principal.role < role:
            have, need = principal.role.name.lower(), role.name.lower()
            raise Problem(403, "role-too-low", f"The key {principal.name} has the role {have}; this needs {need}.")
        return principal

    return check


Reader = Annotated[Principal, Depends(require(Role.READ))]
Writer = Annotated[Principal, Depends(require(Role.WRITE))]
Admin = Annotated[Principal, Depends(require(Role.ADMIN))]
