from __future__ import annotations

import pytest

from memory_server.auth import KeyFileError, Keyring, Principal, Role

KEY = "k" * 32


def test_a_single_plain_key_is_the_admin() -> None:
    assert Keyring.parse(f"{KEY}\n").find(KEY) == Principal("admin", Role.ADMIN)


def test_named_keys_have_their_roles() -> None:
    ring = Keyring.parse(f"# people\nperson admin {KEY}\n\nbot write {'b' * 20}\ngrafana read {'g' * 20}\n")
    assert ring.find("b" * 20) == Principal("bot", Role.WRITE)
    assert ring.find("g" * 20) == Principal("grafana", Role.READ)


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
