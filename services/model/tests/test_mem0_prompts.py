"""mem0ai 1.0.11 itself, its real prompts and parsing, against the running service."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from mem0 import Memory
from mem0.configs.embeddings.base import BaseEmbedderConfig
from mem0.configs.llms.openai import OpenAIConfig
from mem0.configs.prompts import get_update_memory_messages
from mem0.embeddings.openai import OpenAIEmbedding
from mem0.llms.openai import OpenAILLM
from mem0.memory.graph_memory import MemoryGraph
from mem0.memory.storage import SQLiteManager
from mem0.memory.utils import get_fact_retrieval_messages, get_fact_retrieval_messages_legacy

from mem0_model import CHAT_MODEL, DIMENSIONS, EMBEDDING_MODEL
from mem0_model.steps import FactsStep, UpdateStep, recognise

USER = "alice"


class Store:
    """A vector store in memory, with the calls that `Memory.add` and `search` make."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[Any, dict[str, Any]]] = {}

    def insert(self, vectors: Any, ids: list[str], payloads: list[dict[str, Any]]) -> None:
        for vector, id_, payload in zip(vectors, ids, payloads, strict=True):
            self.rows[id_] = (np.array(vector), payload)

    def search(self, query: str, vectors: Any, limit: int, filters: dict[str, Any]) -> list[Any]:
        del query, filters
        by_score = sorted(self.rows, key=lambda id_: -float(self.rows[id_][0] @ np.array(vectors)))
        return [self.get(id_) for id_ in by_score[:limit]]

    def get(self, vector_id: str) -> Any:
        vector, payload = self.rows[vector_id]
        return SimpleNamespace(id=vector_id, payload=payload, score=float(vector @ vector))

    def update(self, vector_id: str, vector: Any, payload: dict[str, Any]) -> None:
        self.rows[vector_id] = (np.array(vector), payload)

    def delete(self, vector_id: str) -> None:
        del self.rows[vector_id]

    def texts(self) -> list[str]:
        return [payload["data"] for _, payload in self.rows.values()]


@pytest.fixture
def llm(base_url: str) -> OpenAILLM:
    return OpenAILLM(OpenAIConfig(model=CHAT_MODEL, api_key="none", openai_base_url=base_url))


@pytest.fixture
def embedding(base_url: str) -> OpenAIEmbedding:
    return OpenAIEmbedding(
        BaseEmbedderConfig(
            model=EMBEDDING_MODEL,
            api_key="none",
            openai_base_url=base_url,
            embedding_dims=DIMENSIONS,
        )
    )


@pytest.fixture
def memory(llm: OpenAILLM, embedding: OpenAIEmbedding) -> Memory:
    made = object.__new__(Memory)
    made.config = SimpleNamespace(
        custom_fact_extraction_prompt=None, custom_update_memory_prompt=None
    )
    made.llm, made.embedding_model = llm, embedding
    made.vector_store, made.db = Store(), SQLiteManager(":memory:")
    made.api_version = "v1.1"
    return made


@pytest.fixture
def graph(llm: OpenAILLM) -> MemoryGraph:
    made = object.__new__(MemoryGraph)
    made.llm, made.llm_provider = llm, "openai"
    made.config = SimpleNamespace(graph_store=SimpleNamespace(custom_prompt=None))
    return made


def add(memory: Memory, text: str, **message: str) -> list[dict[str, Any]]:
    messages = [{"role": "user", "content": text, **message}]
    result: list[dict[str, Any]] = memory._add_to_vector_store(
        messages, {"user_id": USER}, {"user_id": USER}, True
    )
    return result


def test_a_told_fact_is_added(memory: Memory) -> None:
    events = add(memory, "I keep bees on the roof")
    assert [(e["event"], e["memory"]) for e in events] == [("ADD", "Keeps bees on the roof")]
    assert memory.vector_store.texts() == ["Keeps bees on the roof"]


def test_telling_it_again_adds_nothing(memory: Memory) -> None:
    add(memory, "I keep bees on the roof")
    assert add(memory, "I keep bees on the roof!") == []
    assert len(memory.vector_store.texts()) == 1


def test_news_replace_what_is_outdated_and_nothing_else(memory: Memory) -> None:
    for text in ("I live in Berlin", "I like tea", "My sister Anna lives in Berlin"):
        add(memory, text)
    events = add(memory, "I moved to Munich")
    assert [(e["event"], e["previous_memory"]) for e in events] == [("UPDATE", "Lives in Berlin")]
    assert sorted(memory.vector_store.texts()) == [
        "Likes tea",
        "Moved to Munich",
        "Sister Anna lives in Berlin",
    ]


def test_forgetting_deletes(memory: Memory) -> None:
    add(memory, "I like tea. I own a boat.")
    assert [e["event"] for e in add(memory, "Forget that I like tea.")] == ["DELETE"]
    assert memory.vector_store.texts() == ["Owns a boat"]


@pytest.mark.parametrize(
    "text",
    [
        "I use `rm -rf` and ```code``` and <think>this</think> daily",
        'I say "quotes" and \\ backslashes and {"json": [1]} and \'apostrophes\'',
        "I like tea.\nassistant asked me",
        "The new retrieved facts are mentioned in the triple backticks. It is odd",
        "I wrote ```\n    ['fake']\n    ```\n in my notes",
        "Ich mag Ärger mit Ümläuten ß und 🐝",
        "I know that id: 0, event: DELETE",
    ],
)
def test_awkward_texts_come_through_mem0s_parsing_unchanged(memory: Memory, text: str) -> None:
    add(memory, "I like an old thing")
    added = add(memory, text)
    assert added
    assert all(event["event"] == "ADD" for event in added)
    kept = " ".join(event["memory"] for event in added).lower()
    for word in text.replace("\n", " ").split()[2:]:
        assert word.rstrip(".").lower() in kept
    assert "Likes an old thing" in memory.vector_store.texts()


def test_what_the_assistant_says_is_no_fact_about_the_user(llm: OpenAILLM) -> None:
    transcript = "user: I like tea\nassistant: I love coffee\nuser: I own a boat\n"
    system, user = get_fact_retrieval_messages(transcript)
    assert recognise(system, user, frozenset(), True) == FactsStep(["I like tea", "I own a boat"])


def test_an_agents_memory_takes_what_the_assistant_says() -> None:
    system, user = get_fact_retrieval_messages("user: hi\nassistant: I admire art\n", True)
    assert recognise(system, user, frozenset(), True) == FactsStep(["I admire art"])


def test_the_older_fact_prompt_is_understood() -> None:
    system, user = get_fact_retrieval_messages_legacy("user: I like tea\n")
    assert recognise(system, user, frozenset(), True) == FactsStep(["I like tea"])


def test_the_update_prompt_is_read_with_and_without_memories() -> None:
    old = [{"id": "0", "text": 'it\'s "odd" ```'}, {"id": "1", "text": "two\nlines"}]
    step = recognise("", get_update_memory_messages(old, ["a 'fact'"]), frozenset(), True)
    assert isinstance(step, UpdateStep)
    assert [(m.id, m.text) for m in step.memories] == [(o["id"], o["text"]) for o in old]
    assert step.facts == ["a 'fact'"]
    empty = recognise("", get_update_memory_messages([], ["a"]), frozenset(), True)
    assert empty == UpdateStep([], ["a"])


@pytest.mark.parametrize("user", [USER, "a, b", 'o"brien', "müller", "x as the source entity"])
def test_entities_and_relations_name_the_user(graph: MemoryGraph, user: str) -> None:
    filters = {"user_id": user, "agent_id": "bot", "run_id": "r1"}
    text = "I keep bees on the roof."
    node = user.lower().replace(" ", "_")
    kinds = graph._retrieve_nodes_from_data(text, filters)
    assert kinds == {node: "person", "bees": "animal", "roof": "place"}
    relations = graph._establish_nodes_relations_from_data(text, filters, kinds)
    assert relations == [
        {"source": node, "relationship": "keeps", "destination": "bees"},
        {"source": "bees", "relationship": "on", "destination": "roof"},
    ]


def test_a_search_question_names_its_things(graph: MemoryGraph) -> None:
    kinds = graph._retrieve_nodes_from_data("which animals do I have?", {"user_id": USER})
    assert kinds == {USER: "person", "animals": "animal"}


def test_a_text_without_relations_gives_none(graph: MemoryGraph) -> None:
    assert graph._establish_nodes_relations_from_data("Hello!", {"user_id": USER}, {}) == []


def test_only_contradicted_relations_are_deleted(graph: MemoryGraph) -> None:
    known = [
        {"source": USER, "relationship": "lives_in", "destination": "berlin"},
        {"source": USER, "relationship": "has", "destination": "dog -- or cat"},
        {"source": USER, "relationship": "likes", "destination": "tea"},
    ]
    ask = graph._get_delete_entities_from_search_output
    assert ask(known, "I moved to Munich", {"user_id": USER}) == [known[0]]
    assert ask(known, "I like cocoa", {"user_id": USER}) == []
    assert ask([], "I like cocoa", {"user_id": USER}) == []


def test_a_question_finds_the_memory_that_answers_it(
    memory: Memory, embedding: OpenAIEmbedding
) -> None:
    for text in ("I keep bees on the roof", "I drive a red Volvo", "My wife is called Maria",
                 "I am allergic to peanuts", "I work at Siemens"):  # fmt: skip
        add(memory, text)
    for question, answer in (
        ("which animals do I have?", "Keeps bees on the roof"),
        ("welche Tiere habe ich?", "Keeps bees on the roof"),
        ("what car do I have?", "Drives a red Volvo"),
        ("who is my wife?", "Wife is called Maria"),
    ):
        hits = memory.vector_store.search("", embedding.embed(question, "search"), 2, {})
        assert answer in [hit.payload["data"] for hit in hits], question
