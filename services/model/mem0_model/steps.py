"""mem0's five requests to a language model: which one a request is, and what it carries.

The texts are those of mem0ai 1.0.11 (mem0/configs/prompts.py, mem0/memory/graph_memory.py,
mem0/graphs/utils.py). tests/test_mem0_prompts.py builds them with mem0's own functions, so a mem0
that words them otherwise fails there.
"""

import ast
import re
from dataclasses import dataclass

from mem0_model.errors import ApiError
from mem0_model.rules.model import Memory, Relation


@dataclass(frozen=True, slots=True)
class FactsStep:
    """Find what is worth remembering in what the user (or the assistant) said."""

    messages: list[str]


@dataclass(frozen=True, slots=True)
class UpdateStep:
    """Compare new facts with the nearest old memories."""

    memories: list[Memory]
    facts: list[str]


@dataclass(frozen=True, slots=True)
class EntitiesStep:
    """Name the entities of a text."""

    text: str
    user: str


@dataclass(frozen=True, slots=True)
class RelationsStep:
    """Name the relations of a text."""

    text: str
    user: str


@dataclass(frozen=True, slots=True)
class DeletionsStep:
    """Tell which known relations a text contradicts."""

    known: list[Relation]
    text: str
    user: str


Step = FactsStep | UpdateStep | EntitiesStep | RelationsStep | DeletionsStep

_ROLE_LINE = re.compile(r"^(user|assistant|system): ", re.MULTILINE)
_UPDATE_MARK = "\n    The new retrieved facts are mentioned in the triple backticks."
_OLD_MEMORIES = re.compile(r"```\n    (\[.*\])\n    ```\n")
_NEW_FACTS = re.compile(r"```\n    (\[.*\])\n    ```\n")
_ENTITIES_USER = re.compile(r"then use (.*) as the source entity\. Extract all", re.DOTALL)
_GRAPH_USER = re.compile(r'Use "user_id: (.*?)" as (?:the source entity|node)', re.DOTALL)
_SESSION_IDS = re.compile(r"(?:, agent_id: .*)?(?:, run_id: .*)?\Z", re.DOTALL)
_ENTITY_LIST = re.compile(r"\AList of entities: \[.*\]\. \n\nText: ")
_KNOWN = re.compile(r"\AHere are the existing memories: (.*?) \n\n New Information: ", re.DOTALL)
_KNOWN_LINE = re.compile(r"^(.+?) -- (\w+) -- (.+)$", re.MULTILINE)


def recognise(system: str, user: str, tools: frozenset[str], json_object: bool) -> Step:
    """Return the step that a chat request asks for.

    `system` and `user` are the last texts of these roles ("" when there is none), `tools` the
    names of the offered tools. Raises `ApiError` 400 for a request that is none of mem0's.
    """
    if "extract_entities" in tools:
        return EntitiesStep(user, _match(_ENTITIES_USER, system, "the user's name"))
    if tools & {"establish_relationships", "establish_relations"}:
        return RelationsStep(_ENTITY_LIST.sub("", user, count=1), _graph_user(system))
    if "delete_graph_memory" in tools:
        return _deletions(system, user)
    if json_object and _UPDATE_MARK in user:
        return _update(user)
    if json_object and user.startswith("Input:\n"):
        role = "assistant" if "Assistant Information Organizer" in system else "user"
        return FactsStep(messages_of(user.removeprefix("Input:\n"), role))
    raise ApiError(
        400,
        "This model does memory extraction for mem0 (facts, updates, entities, relations and "
        "deletions) and nothing else; this request is none of them. For conversation set "
        "another provider.",
        param="messages",
        code="unsupported_request",
    )


def messages_of(transcript: str, role: str) -> list[str]:
    """Return what `role` said in a transcript of lines that begin with "user: " or another role.

    A text without any such line is taken as said by `role`: custom prompts may send it bare.
    """
    marks = list(_ROLE_LINE.finditer(transcript))
    if not marks:
        return [transcript.strip()] if transcript.strip() else []
    ends = [mark.start() for mark in marks[1:]] + [len(transcript)]
    said = [
        transcript[mark.end() : end].strip()
        for mark, end in zip(marks, ends, strict=True)
        if mark.group(1) == role
    ]
    return [text for text in said if text]


def _match(pattern: re.Pattern[str], text: str, what: str) -> str:
    found = pattern.search(text)
    if found is None:
        raise ApiError(400, f"The system message does not tell {what}.", param="messages")
    return found.group(1)


def _graph_user(system: str) -> str:
    return _SESSION_IDS.sub("", _match(_GRAPH_USER, system, "the user's name"), count=1)


def _deletions(system: str, user: str) -> DeletionsStep:
    head = _KNOWN.match(user)
    if head is None:
        raise ApiError(400, "The user message lists no existing memories.", param="messages")
    known = [Relation(*line.groups()) for line in _KNOWN_LINE.finditer(head.group(1))]
    return DeletionsStep(known, user[head.end() :], _graph_user(system))


def _update(user: str) -> UpdateStep:
    before, _, after = user.rpartition(_UPDATE_MARK)
    facts = _NEW_FACTS.search(after)
    if facts is None:
        raise ApiError(400, "The user message lists no new facts.", param="messages")
    # The prompt's own examples come before the real list.
    old = list(_OLD_MEMORIES.finditer(before))
    memories = _literal(old[-1].group(1)) if old else []
    try:
        return UpdateStep(
            [Memory(str(item["id"]), str(item["text"])) for item in memories],
            [str(fact) for fact in _literal(facts.group(1))],
        )
    except (TypeError, KeyError) as error:
        raise ApiError(
            400, 'An old memory needs the keys "id" and "text".', param="messages"
        ) from error


def _literal(text: str) -> list[dict[str, object]]:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise ApiError(400, "A list in the prompt cannot be read.", param="messages") from error
    return value if isinstance(value, list) else []
