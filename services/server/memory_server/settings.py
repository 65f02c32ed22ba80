"""Settings: read once from the environment, secrets from files only, every mistake reported at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from memory_server.limits import BodyBounds

Provider = Literal["embedded", "openai", "openai-compatible"]

MAX_COLLECTION = 63 - len("_agent_id_idx")
"""PostgreSQL cuts longer names off, and two indexes of the collection have one name (schema.py, config/names.ts)."""

EMBEDDED_URL = "http://model:8000/v1"
OPENAI_URL = "https://api.openai.com/v1"


class SettingsError(Exception):
    """All that is wrong with the environment, one sentence each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


def _read_secret(value: object) -> object:
    """Replace the path of a secret file by its content without the trailing newline."""
    if isinstance(value, SecretStr):
        return value
    path = Path(str(value))
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ValueError(f"cannot read the secret file {path}: {reason}") from None
    if not text:
        raise ValueError(f"the secret file {path} is empty")
    return SecretStr(text)


def _base_url(value: object) -> object:
    """Accept http(s) addresses; an address without a path means the OpenAI path `/v1`."""
    if value is None or value == "":
        return None
    parts = urlsplit(str(value))
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an http:// or https:// address, e.g. http://ollama:11434/v1")
    return str(value).rstrip("/") + ("" if parts.path.strip("/") else "/v1")


def _words(value: object) -> object:
    """The parts of a text between commas."""
    return [part for part in value.replace(" ", "").split(",") if part] if isinstance(value, str) else value


SecretFile = Annotated[SecretStr, BeforeValidator(_read_secret)]
BaseUrl = Annotated[str | None, BeforeValidator(_base_url)]
Seconds = Annotated[float, Field(gt=0, le=3600)]


class Settings(BaseModel):
    """Everything the server can be told. Names of the environment variables are the field names in capitals."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    mem0_stack: str = Field("test", pattern=r"^[a-z][a-z0-9-]{0,30}$")
    instance_id: str = Field(pattern=r"^[0-9a-f]{8,64}$")

    host: str = "0.0.0.0"  # noqa: S104 - inside a container; the stack publishes the port on loopback only
    port: int = Field(8888, ge=1, le=65535)
    metrics_port: int = Field(9464, ge=0, le=65535)
    """Prometheus text on its own port, which the stack does not publish. 0 turns it off."""

    postgres_host: str = "postgres"
    postgres_port: int = Field(5432, ge=1, le=65535)
    postgres_db: str = Field(min_length=1)
    postgres_user: str = Field(min_length=1)
    postgres_password: SecretFile = Field(validation_alias="postgres_password_file")
    postgres_pool_min: int = Field(2, ge=1, le=50)
    postgres_pool_max: int = Field(12, ge=1, le=100)
    memory_collection: str = Field("memories", pattern=r"^[a-z_][a-z0-9_]*$", max_length=MAX_COLLECTION)

    neo4j_uri: str = Field("bolt://neo4j:7687", pattern=r"^(bolt|neo4j)(\+s|\+ssc)?://.+")
    neo4j_username: str = "neo4j"
    neo4j_password: SecretFile = Field(validation_alias="neo4j_password_file")
    neo4j_pool_max: int = Field(16, ge=1, le=100)

    model_provider: Provider = "embedded"
    llm_provider: Provider | None = None
    embedder_provider: Provider | None = None
    llm_model: str = Field("mem0-rules", min_length=1)
    llm_base_url: BaseUrl = None
    llm_temperature: float = Field(0.2, ge=0, le=2)
    embedder_model: str = Field("mem0-embedded", min_length=1)
    embedder_base_url: BaseUrl = None
    embedder_dimensions: int = Field(384, ge=1, le=2000)
    """At most 2,000: pgvector's HNSW index takes no more for the type `vector`."""
    openai_api_key: SecretFile | None = Field(None, validation_alias="openai_api_key_file")

    api_keys: SecretFile = Field(validation_alias="api_key_file")

    history_db_path: Path = Path("/data/history.db")

    add_timeout_s: Seconds = 90.0
    search_timeout_s: Seconds = 20.0
    store_timeout_s: Seconds = 15.0
    """One transaction. Neo4j takes several seconds for its first one after a start."""
    model_timeout_s: Seconds = 45.0
    graph_read_timeout_s: Seconds = 4.0
    probe_timeout_s: Seconds = 2.0
    repair_interval_s: Seconds = 5.0
    shutdown_grace_s: Seconds = 20.0

    max_body_bytes: int = Field(1024 * 1024, ge=1024, le=1024**3)
    rate_limit_per_second: float = Field(50.0, ge=0, le=100_000)
    """Requests per second and key, with a burst of four seconds' worth. 0 turns the limit off."""
    requests_at_once: int = Field(16, ge=1, le=1000)
    """Of one key. Each may hold a reply of the largest size until its reader has taken it."""
    allowed_hosts: Annotated[frozenset[str], BeforeValidator(_words)] = frozenset({"127.0.0.1", "localhost", "[::1]"})
    """Names under which the server may be asked, in lower case and without ports."""
    head_timeout_s: Seconds = 15.0
    body_idle_timeout_s: Seconds = 15.0
    body_timeout_s: Seconds = 60.0
    stream_timeout_s: Seconds = 600.0
    """Waiting for the lines of an import altogether; the time that they take to be stored does not count."""
    stall_timeout_s: Seconds = 30.0
    """A reader that takes next to nothing of a reply for so long is cut off."""
    idempotency_hours: int = Field(24, ge=1, le=24 * 30)

    graph_search: Literal["names", "model", "off"] = "names"
    """How search finds entities: by the names in the question, or as upstream does, by asking the model."""
    graph_threshold: float = Field(0.7, ge=0, le=1)
    """Cosine similarity from which two entity names mean the same node; upstream's default."""
    hnsw_ef_search: int = Field(200, ge=10, le=1000)
    """Neighbours an index search keeps. bench/memory found recall@10 0.990 with 100 and 1.000 with 150 among 100,000
    memories of one user, at hardly more time."""

    allow_reset: bool = False
    adopt_existing_data: bool = False
    """First start on tables that upstream's server filled: take them over."""
    accept_empty: Annotated[
        frozenset[Literal["graph", "history"]],
        BeforeValidator(_words),
    ] = frozenset()
    """Stores that may be started empty although the others are not, after one was restored alone."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @property
    def body_bounds(self) -> BodyBounds:
        """What bounds the body of a request."""
        return BodyBounds(self.max_body_bytes, self.body_idle_timeout_s, self.body_timeout_s, self.stream_timeout_s)

    @property
    def llm_url(self) -> str:
        """Base address of the chat model."""
        return self.llm_base_url or _default_url(self.llm_provider or self.model_provider)

    @property
    def embedder_url(self) -> str:
        """Base address of the embedding model."""
        return self.embedder_base_url or _default_url(self.embedder_provider or self.model_provider)

    @property
    def embedder_is_openai(self) -> bool:
        """True where the API itself shortens vectors: only OpenAI's knows the parameter `dimensions`."""
        return (self.embedder_provider or self.model_provider) == "openai"

    @property
    def llm_key(self) -> SecretStr | None:
        """What the chat model is sent to let us in."""
        return self._key_for(self.llm_provider or self.model_provider)

    @property
    def embedder_key(self) -> SecretStr | None:
        """What the embedding model is sent to let us in."""
        return self._key_for(self.embedder_provider or self.model_provider)

    def _key_for(self, provider: Provider) -> SecretStr | None:
        """The key goes to OpenAI, or where OpenAI has no part in it to the compatible server; never to both."""
        both = {self.llm_provider or self.model_provider, self.embedder_provider or self.model_provider}
        meant = "openai" if "openai" in both else "openai-compatible"
        return self.openai_api_key if provider == meant else None


def _default_url(provider: Provider) -> str:
    return EMBEDDED_URL if provider == "embedded" else OPENAI_URL


def _across(env: Mapping[str, str]) -> list[str]:
    """Mistakes that concern more than one setting."""
    problems = []
    for role in ("LLM", "EMBEDDER"):
        provider = env.get(f"{role}_PROVIDER") or env.get("MODEL_PROVIDER", "embedded")
        source = f"{role}_PROVIDER" if env.get(f"{role}_PROVIDER") else "MODEL_PROVIDER"
        if provider == "openai" and not env.get("OPENAI_API_KEY_FILE"):
            problems.append(f"OPENAI_API_KEY_FILE: needed, because {source} is openai")
        if provider == "openai-compatible" and not env.get(f"{role}_BASE_URL"):
            problems.append(f"{role}_BASE_URL: needed, because {source} is openai-compatible")
        if provider != "embedded" and not env.get(f"{role}_MODEL"):
            problems.append(f"{role}_MODEL: needed, because {source} is {provider}")
    pool = [env.get(f"POSTGRES_POOL_{end}", "") for end in ("MIN", "MAX")]
    if all(size.isdigit() for size in pool) and int(pool[0]) > int(pool[1]):
        problems.append("POSTGRES_POOL_MIN: must not exceed POSTGRES_POOL_MAX")
    secrets = ("POSTGRES_PASSWORD", "NEO4J_PASSWORD", "OPENAI_API_KEY", "API_KEY")
    problems += [
        f"{plain}: a secret in the environment is refused; give a file by {plain}_FILE"
        for plain in secrets
        if env.get(plain)
    ]
    return list(dict.fromkeys(problems))


def load_settings(env: Mapping[str, str]) -> Settings:
    """Build the settings from an environment. Raises SettingsError with every mistake in it."""
    given: dict[str, Any] = {name.lower(): value for name, value in env.items() if value != ""}
    problems: list[str] = []
    settings: Settings | None = None
    try:
        settings = Settings(**given)
    except ValidationError as error:
        for item in error.errors(include_url=False, include_input=False):
            name = str(item["loc"][0]).upper() if item["loc"] else "settings"
            problems.append(f"{name}: {item['msg'].removeprefix('Value error, ')}")
    problems.extend(_across(env))
    if problems or settings is None:
        raise SettingsError(problems)
    return settings
