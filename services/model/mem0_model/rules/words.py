"""The word lists in words/, read once."""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files


def _lines(name: str) -> Iterator[str]:
    text = files("mem0_model.rules").joinpath("words", name).read_text("utf-8")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            yield line


def _groups(name: str) -> Iterator[tuple[str, list[str]]]:
    for line in _lines(name):
        group, _, words = line.partition(":")
        yield group, [word.strip() for word in words.split(",")]


@cache
def kinds() -> dict[str, str]:
    """Return the kind of entity (animal, food, ...) by noun, lower case."""
    found: dict[str, str] = {}
    for kind, nouns in _groups("kinds.txt"):
        for noun in nouns:
            found.setdefault(noun, "place" if kind in ("city", "country") else kind)
    return found


@cache
def places(group: str) -> frozenset[str]:
    """Return the known names of one group (city, country), lower case."""
    return frozenset(
        noun for kind, nouns in _groups("kinds.txt") if kind == group for noun in nouns
    )


@cache
def times(group: str) -> frozenset[str]:
    """Return the time words of one group of words/time.txt."""
    return frozenset(word for name, words in _groups("time.txt") if name == group for word in words)


@cache
def attributes(group: str) -> dict[str, str]:
    """Return the attribute nouns of one group (kin, single, many) and their relations."""
    found: dict[str, str] = {}
    for name, nouns in _groups("attributes.txt"):
        if name == group:
            for noun in nouns:
                word, _, relation = noun.partition("=")
                found[word] = relation or word
    return found


@cache
def german_verbs() -> dict[str, tuple[str, str]]:
    """Return the English verb and its past by German infinitive."""
    found = {}
    for line in _lines("verbs_de.txt"):
        lemma, _, english = line.partition(" = ")
        verb, past = english.split()
        found[lemma] = (verb, past)
    return found


@cache
def english_verbs() -> dict[str, tuple[str, str]]:
    """Return the verb, and its past, that stands for several of one meaning, by lemma."""
    found = {}
    for line in _lines("verbs_en.txt"):
        lemmas, _, english = line.partition(" = ")
        verb, past = english.split()
        for lemma in lemmas.split(", "):
            found[lemma] = (verb, past)
    return found


@cache
def small_talk() -> frozenset[str]:
    """Return the phrases that carry nothing to remember, lower case."""
    return frozenset(_lines("small_talk.txt"))


@cache
def german_third() -> dict[str, str]:
    """Return irregular third persons by German infinitive."""
    return {line.split()[0]: line.split()[1] for line in _lines("german_third.txt")}
