"""Facts: what of a message is worth remembering, one statement each, in mem0's style.

mem0 writes facts about the user without a subject: "Keeps bees on the roof", "Name is Anna". A
sentence is shortened no further than that: what cannot be turned with certainty stays as it was
said.
"""

import re

from mem0_model.rules import english, german
from mem0_model.rules.clauses import cuts_of, tag_sentence
from mem0_model.rules.sentences import Sentence, sentences_of
from mem0_model.rules.tagging import Language, Token, language_of

#: Marks a fact that is not to be kept but to be forgotten; `updates` reads it.
FORGET = "Forget: "

#: A sentence that begins so is about the one before it, and goes with it.
_REFERS_BACK = re.compile(
    r"^(?:he|she|it|they|his|her|its|their|this|these|that|those|there|then|"
    r"er|sie|es|sein\w*|ihre?\w*|dies\w*|das|dort|dann|deshalb|therefore)\b",
    re.IGNORECASE,
)
#: So does one whose first thing is a pronoun: "I see him on Monday".
_ABOUT_IT = re.compile(
    r"^(?:i|we|ich|wir)\s+(?:[\w']+\s+){1,3}(?:him|her|it|them|ihn|ihm|ihr|ihnen|sie|es)\b",
    re.IGNORECASE,
)
#: A dash goes where it stands apart: that of "A-" belongs to its word.
_END_SIGNS = r"(?:[\s,;:]|(?<=[\s,;:])[–-])*"
_TRAILING = re.compile(rf"{_END_SIGNS}(?:\b(?:and|but|und|aber|so)\b)?{_END_SIGNS}$", re.IGNORECASE)


def extract_facts(messages: list[str]) -> list[str]:
    """Return the facts of `messages` in their order, without repetition."""
    facts: dict[str, None] = {}
    for message in messages:
        for fact in _of_message(message):
            facts.setdefault(fact)
    return list(facts)


def _of_message(message: str) -> list[str]:
    facts: list[str] = []
    for sentence in sentences_of(message):
        if sentence.question:
            continue
        parts = _facts_of(sentence)
        back = _REFERS_BACK.match(sentence.text) or _ABOUT_IT.match(sentence.text)
        if facts and back and parts and not sentence.forget:
            facts[-1] = f"{facts[-1]}. {parts.pop(0)}"
        for part in parts:
            facts.append(f"{FORGET}{part}" if sentence.forget else part)
    return facts


def _facts_of(sentence: Sentence) -> list[str]:
    """Return the facts of one sentence: two where the user says two things of himself."""
    text = sentence.text.rstrip(" .!,:")
    if text != sentence.analysed.rstrip(" .!,:"):
        return [text]
    language = language_of(text)
    tokens = tag_sentence(text, language)
    if sentence.reported and language == "de":
        return [_capital(german.from_reported(text, tokens))]
    style = english.fact if language == "en" else german.fact
    facts = [
        _capital(style(_TRAILING.sub("", text[start:end]), goes_on))
        for start, end, goes_on in _parts(text, tokens, language)
    ]
    return [fact for fact in facts if fact]


def _parts(text: str, tokens: list[Token], language: Language) -> list[tuple[int, int, bool]]:
    """Return (start, end, goes on without a subject) of the user's statements in a sentence."""
    first = next((t for t in tokens if t.pos not in ("adv", "punct", "conj")), None)
    if first is None or first.low not in ("i", "ich"):
        return [(0, len(text), False)]
    starts = [(0, False)]
    for index, link in cuts_of(tokens, language):
        token = tokens[index] if index < len(tokens) else None
        if token is None:
            continue
        own = link == "and" or (link == "" and token.low in ("i", "ich"))
        if link == "" and token.pos == "poss":  # "... and my sister Anna lives in Bonn"
            own = not any(t.pos == "pron" for t in tokens[index:])
        # "... but I have two anyway": without a thing of its own it cannot stand alone.
        if own and any(t.pos in ("noun", "name", "other") for t in tokens[index:]):
            starts.append((token.start, link == "and"))
    ends = [start for start, _ in starts[1:]] + [len(text)]
    return [(start, end, goes_on) for (start, goes_on), end in zip(starts, ends, strict=True)]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
