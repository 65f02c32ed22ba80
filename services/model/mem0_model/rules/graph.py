"""The graph's three questions: entities and relations of a text, and what it contradicts."""

import re

from mem0_model.rules.clauses import tag_sentence
from mem0_model.rules.contradictions import node, opposes
from mem0_model.rules.model import Entity, Relation
from mem0_model.rules.phrases import Noun, kind_of_word, phrases_of
from mem0_model.rules.relations import Found, relate
from mem0_model.rules.sentences import sentences_of
from mem0_model.rules.statements import statements_of
from mem0_model.rules.tagging import Language, Token, language_of
from mem0_model.rules.words import attributes

_SELF = re.compile(
    r"\b(?:i|me|my|mine|myself|we|us|our|ours|ich|mich|mir|wir|uns|(?:mein|unse?r)\w*)\b", re.I
)
_CONTACT = re.compile(r"^(?:\S+@\S+\.\S+|https?://\S+|\+?\d[\d\s/()-]{6,}\d)$")
_CHANGED = re.compile(
    r"\b(?:now|moved|instead|switched|changed|nowadays|meanwhile|new job|no longer|anymore|"
    r"jetzt|nun|inzwischen|mittlerweile|umgezogen|gezogen|gewechselt|stattdessen|nicht mehr)\b",
    re.IGNORECASE,
)
_PLACE_PREPS = frozenset("in to from nach aus into near".split())
_ORGANIZATION_PREPS = frozenset("at bei beim for".split())


def entities_of(text: str, user: str) -> list[Entity]:
    """Return the things that `text` names, `user` for who speaks; for questions too."""
    found, nouns = _read(text, user)
    kinds: dict[str, Entity] = {}

    def note(name: str, kind: str) -> None:
        if name.strip():
            kinds.setdefault(name.lower(), Entity(name, kind))

    if _SELF.search(text) or any(user in (r.source, r.destination) for r in found.relations):
        note(user, "person")
    related = {end for r in found.relations for end in (r.source, r.destination)}
    for noun, role in nouns:
        if noun.text in related or not (_only_attribute(noun) or (noun.kin and related)):
            note(noun.text, found.hints.get(noun.text.lower()) or _kind(noun, role))
        for name in noun.names:
            note(name, found.hints.get(name.lower()) or "thing")
    for end in related:
        if end != user:
            note(end, found.hints.get(end.lower()) or kind_of_word(end, end) or "thing")
    return list(kinds.values())


def relations_of(text: str, user: str) -> list[Relation]:
    """Return the relations that `text` states; a question states none."""
    return _read(text, user)[0].relations


def contradicted(known: list[Relation], text: str, user: str) -> list[Relation]:
    """Return the relations among `known` that `text` contradicts or asks to forget."""
    new = relations_of(text, user)
    cue = says_changed(text)
    forgotten = {
        (node(r.source), r.name, node(r.destination)) for r in forgotten_relations(text, user)
    }
    found = [
        relation
        for relation in known
        if (node(relation.source), relation.name, node(relation.destination)) in forgotten
        or any(opposes(one, relation, cue) for one in new)
    ]
    return list(dict.fromkeys(found))


def forgotten_relations(text: str, user: str) -> list[Relation]:
    """Return the relations of what `text` asks to forget."""
    found = Found(user)
    for sentence in sentences_of(text):
        if sentence.forget:
            language = language_of(sentence.analysed)
            tokens = tag_sentence(sentence.analysed, language)
            for statement in statements_of(tokens, language, sentence.reported):
                relate(statement, found)
    return found.relations


def says_changed(text: str) -> bool:
    """Tell whether `text` says that something is different now."""
    return bool(_CHANGED.search(text))


def _read(text: str, user: str) -> tuple[Found, list[tuple[Noun, str]]]:
    found = Found(user)
    nouns: list[tuple[Noun, str]] = []
    for sentence in sentences_of(text):
        language = language_of(sentence.analysed)
        tokens = tag_sentence(sentence.analysed, language)
        nouns += _nouns(tokens, language)
        if not sentence.question and not sentence.forget:
            for statement in statements_of(tokens, language, sentence.reported):
                relate(statement, found)
    return found, nouns


def _nouns(tokens: list[Token], language: Language) -> list[tuple[Noun, str]]:
    return [
        (phrase.noun, phrase.prep if phrase.kind == "prep" else phrase.kind)
        for phrase in phrases_of(tokens, language)
        if phrase.noun is not None
    ]


def _only_attribute(noun: Noun) -> bool:
    """Tell nouns that name a relation, not a thing: "my name", "my sister Anna"."""
    low = noun.text.lower()
    if low in attributes("single") or low in attributes("many"):
        return True
    if low.startswith(("favourite ", "favorite ", "lieblings")):
        return True
    return bool(noun.names and noun.kin)


def _kind(noun: Noun, role: str) -> str:
    if role == "time":
        return "date"
    if _CONTACT.match(noun.text):
        return "contact"
    known = noun.common_kind
    if known:
        return known
    if noun.number:
        return "number"
    if noun.activity:
        return "activity"
    if noun.text.split()[0].lower() in ("university", "universität", "bank", "institute"):
        return "organization"
    if noun.proper:
        if role in _PLACE_PREPS:
            return "place"
        if role in _ORGANIZATION_PREPS:
            return "organization"
        return "person" if " " not in noun.text and role in ("noun", "with", "mit") else "thing"
    return "thing"
