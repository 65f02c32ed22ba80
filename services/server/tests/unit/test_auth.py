from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_server.auth import KeyFileError, Keyring, Principal, Role
from memory_server.domain import Reach, Scope
from memory_server.errors import Problem

KEY = "k" * 32


def test_a_single_plain_key_is_the_admin() -> None:
    assert Keyring.parse(f"{KEY}\n").find(KEY) == Principal("admin", Role.ADMIN)


def test_named_keys_have_their_roles() -> None:
    ring = Keyring.parse(f"# people\nperson admin {KEY}\n\nbot write {'b' * 20}\ngrafana read {'g' * 20}\n")
    assert ring.find("b" * 20) == Principal("bot", Role.WRITE)
    assert ring.find("g" * 20) == Principal("grafana", Role.READ)


def test_a_key_may_be_bound_to_users() -> None:
    ring = Keyring.parse(f"person admin {KEY}\nbot write {'b' * 20} alice,bob%20b%2Cx,%C3%BC\n")
    assert ring.find("b" * 20) == Principal("bot", Role.WRITE, Reach(frozenset({"alice", "bob b,x", "ü"})))
    assert ring.find(KEY) == Principal("person", Role.ADMIN)


@pytest.mark.parametrize(
    "scope", [Scope("bob"), Scope(agent_id="alice"), Scope(run_id="alice"), Scope(), Scope("Alice"), Scope("alice ")]
)
def test_a_bound_key_reaches_its_users_alone(scope: Scope) -> None:
    bot = Principal("bot", Role.WRITE, Reach(frozenset({"alice"})))
    assert bot.own(Scope("alice", "agent", "run")) == Scope("alice", "agent", "run")
    with pytest.raises(Problem) as caught:
        bot.own(scope)
    assert (caught.value.status, caught.value.kind) == (403, "not-the-keys-user")


names = st.text(min_size=1).filter(lambda name: "\x00" not in name)
owners = st.none() | names


@given(users=st.frozensets(names), user=owners, agent=owners, run=owners)
def test_nothing_but_the_user_decides_what_a_bound_key_reaches(
    users: frozenset[str], user: str | None, agent: str | None, run: str | None
) -> None:
    assert Reach(users).covers(Scope(user, agent, run)) == (user in users)
    assert Reach().covers(Scope(user, agent, run))


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        (f"bot admin {KEY} alice", "line 1: what an admin does concerns everybody"),
        (f"bot write {KEY} alice,", "line 1: a user has a name"),
        (f"bot write {KEY} alice bob", "line 1: expected `name role key`"),
    ],
)
def test_a_key_file_that_binds_a_key_to_nobody_is_refused(line: str, mistake: str) -> None:
    with pytest.raises(KeyFileError, match=mistake):
        Keyring.parse(line)


@pytest.mark.parametrize("guess", ["", "k", KEY[:-1], KEY + "k", "b" * 20 + "\x00", "ключ" * 8])
def test_any_other_key_is_unknown(guess: str) -> None:
    assert Keyring.parse(f"person admin {KEY}\nbot write {'b' * 20}").find(guess) is None


def test_all_mistakes_of_a_key_file_are_told_without_the_keys() -> None:
    secret = "topsecrettopsecret"
    with pytest.raises(KeyFileError) as caught:
        Keyring.parse(f"person boss {secret}\nBot write {secret}\nperson read short\ntwo words\n")
    text = str(caught.value)
    assert secret not in text
    assert "line 1: the role" in text
    assert "line 2: a name" in text
    assert "line 3: the name person is used twice" in text
    assert "line 3: a key has at least 16" in text
    assert "line 4: expected `name role key`" in text


def test_a_file_with_only_comments_holds_no_key() -> None:
    with pytest.raises(KeyFileError, match="no key"):
        Keyring.parse("# nothing\n")
