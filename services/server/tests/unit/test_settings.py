from __future__ import annotations

from pathlib import Path

import pytest

from memory_server.settings import Settings, SettingsError, load_settings


def problems(env: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_settings(env)
    return caught.value.problems


def test_secrets_are_read_from_files_without_the_newline(env: dict[str, str]) -> None:
    assert load_settings(env).postgres_password.get_secret_value() == "p@ss/w#rd%"


def test_secrets_do_not_show_in_the_settings_text(env: dict[str, str]) -> None:
    text = repr(load_settings(env))
    assert "p@ss" not in text
    assert "0123456789abcdef'" not in text.replace("instance_id='0123456789abcdef'", "")


def test_every_mistake_is_reported_at_once(env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    wrong = env | {
        "INSTANCE_ID": "NOT HEX",
        "POSTGRES_PORT": "70000",
        "POSTGRES_PASSWORD_FILE": str(tmp_path / "missing"),
        "NEO4J_PASSWORD_FILE": str(tmp_path / "empty"),
        "EMBEDDER_DIMENSIONS": "3072",
        "LLM_PROVIDER": "openai",
        "LLM_BASE_URL": "ftp://somewhere",
        "API_KEY": "in-the-environment",
    }
    del wrong["POSTGRES_DB"]
    found = problems(wrong)
    for name in (
        "INSTANCE_ID",
        "POSTGRES_PORT",
        "POSTGRES_PASSWORD_FILE",
        "NEO4J_PASSWORD_FILE",
        "EMBEDDER_DIMENSIONS",
        "POSTGRES_DB",
        "LLM_BASE_URL",
        "OPENAI_API_KEY_FILE",
        "LLM_MODEL",
        "API_KEY",
    ):
        assert any(problem.startswith(f"{name}:") for problem in found), f"{name} is missing in {found}"


def test_a_missing_secret_file_is_named(env: dict[str, str]) -> None:
    assert problems(env | {"API_KEY_FILE": "/nowhere/key"}) == [
        "API_KEY_FILE: cannot read the secret file /nowhere/key: No such file or directory"
    ]


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("http://ollama:11434", "http://ollama:11434/v1"),
        ("http://ollama:11434/", "http://ollama:11434/v1"),
        ("https://host/openai/v1/", "https://host/openai/v1"),
    ],
)
def test_a_base_url_without_a_path_means_v1(env: dict[str, str], given: str, used: str) -> None:
    assert load_settings(env | {"LLM_BASE_URL": given}).llm_url == used


def test_llm_and_embedder_can_be_of_different_providers(env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "openai").write_text("sk-test")
    settings = load_settings(
        env
        | {
            "LLM_PROVIDER": "openai",
            "LLM_MODEL": "gpt-4.1-nano",
            "OPENAI_API_KEY_FILE": str(tmp_path / "openai"),
        }
    )
    assert settings.llm_url == "https://api.openai.com/v1"
    assert settings.embedder_url == "http://model:8000/v1"
    assert not settings.embedder_is_openai


def test_openai_compatible_needs_both_addresses_and_models(env: dict[str, str]) -> None:
    found = problems(env | {"MODEL_PROVIDER": "openai-compatible"})
    assert {problem.split(":")[0] for problem in found} == {
        "LLM_BASE_URL",
        "LLM_MODEL",
        "EMBEDDER_BASE_URL",
        "EMBEDDER_MODEL",
    }


def test_empty_variables_count_as_not_set(env: dict[str, str]) -> None:
    assert load_settings(env | {"LLM_BASE_URL": "", "OPENAI_API_KEY_FILE": ""}).openai_api_key is None


def test_stores_that_may_start_empty_are_a_list(env: dict[str, str]) -> None:
    assert load_settings(env | {"ACCEPT_EMPTY": "graph, history"}).accept_empty == {"graph", "history"}
    assert problems(env | {"ACCEPT_EMPTY": "postgres"})


def test_settings_cannot_be_changed_later(env: dict[str, str]) -> None:
    settings: Settings = load_settings(env)
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1  # type: ignore[misc]
