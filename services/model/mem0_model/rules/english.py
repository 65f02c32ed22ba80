"""English sentences of the first person to facts."""

import re

from mem0_model.rules.clauses import tag_sentence
from mem0_model.rules.statements import third
from mem0_model.rules.tagging import Token

_IRREGULAR = {"am": "is", "'m": "is", "have": "has", "'ve": "has", "do": "does", "'ll": "will"}
_FRONT = frozenset(("adv", "punct", "prep", "det", "noun", "name", "num", "adj", "conj"))
_SKIPPED = frozenset(("adv", "neg", "particle", "reflexive"))


def fact(text: str, goes_on: bool) -> str:
    """Return an English sentence as a fact.

    "I keep bees" becomes "keeps bees", "my name is Anna" "name is Anna"; sentences about others
    stay as they are. `goes_on`: the text is the second half of one about the user ("and work").
    """
    own = re.match(r"my\s+(?=\w)", text, re.IGNORECASE)
    if own and re.match(r"my\s+[\w\s]{1,40}?\s+and\s+I\b", text, re.IGNORECASE):
        return text
    if own:
        return text[own.end() :]
    tokens = tag_sentence(f"I {text}" if goes_on else text, "en")
    if goes_on:
        return _told(f"I {text}", tokens, 0) or text
    index = _subject(tokens)
    if index is None:
        return re.sub(r"^am\s+", "is ", text, flags=re.IGNORECASE)
    return _told(text, tokens, index) or text


def _subject(tokens: list[Token]) -> int | None:
    """Return where "I" stands as the subject, at the start or after "yesterday, ..."."""
    for index, token in enumerate(tokens):
        if token.low == "i" and token.pos == "pron":
            plain = all(before.pos in _FRONT for before in tokens[:index])
            return index if plain and index <= 6 else None
        if token.pos in ("verb", "modal", "sub", "wh"):
            return None
    return None


def _told(text: str, tokens: list[Token], index: int) -> str | None:
    """Return `text` without the "I" at token `index`, its verb in the third person."""
    position = index + 1
    while position < len(tokens) and (
        tokens[position].pos in _SKIPPED or tokens[position].low in ("no", "longer", "also")
    ):
        position += 1
    if position >= len(tokens) or tokens[position].pos not in ("verb", "modal"):
        return None
    verb = tokens[position]
    changed = _verb(verb, tokens[position + 1 :])
    if changed is None:
        return None
    front = text[: tokens[index].start].rstrip(" ,")
    between = text[tokens[index].end : verb.start].strip()
    after = text[verb.end :]
    if not changed:
        after = after.lstrip()
    pieces = [front, between, changed + after]
    return " ".join(piece for piece in pieces if piece)


def _verb(verb: Token, after: list[Token]) -> str | None:
    """Return the third person of a verb form of the first, "" for an "am" that is left out."""
    following = next((t for t in after if t.pos not in ("adv",)), None)
    if verb.low in ("am", "'m"):
        return "" if following and following.form == "gerund" else "is"
    if verb.low == "'d":
        return "had" if following and following.form == "participle" else "would"
    if verb.low in _IRREGULAR:
        return _IRREGULAR[verb.low]
    if verb.pos == "modal" or verb.form in ("past", "third"):
        return verb.text
    if verb.form == "base":
        return third(verb.low) if verb.low.isalpha() else verb.text
    return None
