"""German sentences of the first person to facts."""

import re

from mem0_model.rules.clauses import is_finite
from mem0_model.rules.tagging import Token, tag
from mem0_model.rules.words import german_third

_PREFIXES = (
    "zusammen", "zurück", "weiter", "herunter", "heraus", "hinaus", "vorbei", "ab", "an", "auf",
    "aus", "bei", "ein", "fest", "fern", "her", "hin", "los", "mit", "nach", "statt", "teil", "um",
    "vor", "weg", "zu",
)  # fmt: skip
_OWN = re.compile(r"mein(?:e|er|en|em|es)?\s+(?=\w)", re.IGNORECASE)


def fact(text: str, goes_on: bool) -> str:
    """Return a German sentence as a fact.

    "Ich halte Bienen" becomes "hält Bienen", "am Montag habe ich frei" "hat am Montag frei"; a
    sentence whose verb cannot be turned with certainty stays as it is.
    """
    own = _OWN.match(text)
    if own:
        return text[own.end() :]
    if goes_on:
        text = f"ich {text}"
    tokens = tag(text, "de")
    subject = next((i for i, t in enumerate(tokens) if t.low == "ich"), None)
    verb = next((i for i, t in enumerate(tokens) if is_finite(t)), None)
    unchanged = text.removeprefix("ich ") if goes_on else text
    if verb == 0 and tokens[0].low in ("bin", "habe", "hab"):
        return f"{third_person(tokens[0])}{_reflexive(text[tokens[0].end :])}"
    if subject is None or verb is None:
        return unchanged
    changed = third_person(tokens[verb])
    if changed is None:
        return unchanged
    if subject == 0 and verb > 0:
        between = text[tokens[0].end : tokens[verb].start]
        return f"{changed}{between.rstrip()}{_reflexive(text[tokens[verb].end :])}".strip()
    if subject == verb + 1 and verb > 0:
        front = text[: tokens[verb].start].strip()
        if tokens[0].pos not in ("noun", "name"):
            front = front[:1].lower() + front[1:]
        return f"{changed} {front}{_reflexive(text[tokens[subject].end :])}"
    return unchanged


def from_reported(text: str, tokens: list[Token]) -> str:
    """Return the text after "merk dir, dass ..." as a fact, its verb moved to the front.

    A clause about others keeps its order; it is complete all the same.
    """
    own = _OWN.match(text)
    verb = tokens[-1] if tokens else None
    if verb is None or not tokens or tokens[0].low != "ich" or not is_finite(verb):
        return text[own.end() :] if own else text
    prefix = next((p for p in _PREFIXES if verb.low.startswith(p)), "")
    base = verb
    if prefix:
        bare = tag(f"ich {verb.text[len(prefix) :]}", "de")[1]
        known = verb.lemma.lower().startswith(prefix) and is_finite(bare)
        base, prefix = (bare, prefix) if known else (verb, "")
    changed = third_person(base)
    if changed is None:
        return text
    middle = _reflexive(text[tokens[0].end : verb.start]).strip()
    return " ".join(piece for piece in (changed, middle, prefix) if piece)


def _reflexive(text: str) -> str:
    """Return what follows the verb with "mich" and "mir" as "sich", up to the next clause."""
    clause, comma, rest = text.partition(",")
    return re.sub(r"\b(?:mich|mir)\b", "sich", clause) + comma + rest


def third_person(verb: Token) -> str | None:
    """Return the third person of a first person form, None when that is not certain."""
    word, lemma = verb.low, verb.lemma.lower()
    if verb.pos == "modal" or word in ("war", "hatte", "wurde", "möchte", "will", "weiß"):
        return word
    irregular = german_third().get(lemma)
    present = {"sein": "bin", "haben": "habe", "werden": "werde"}.get(lemma)
    if irregular is not None:
        stem = lemma[:-2] if lemma.endswith("en") else lemma[:-1]
        if word in (present or f"{stem}e", stem):
            return irregular
        return word if present is None or word in ("hätte", "wäre", "würde") else None
    if lemma.endswith(("eln", "ern")):
        if word in (lemma[:-1] + "e", lemma[:-3] + lemma[-2] + "e"):
            return lemma[:-1] + "t"
        return word
    stem = lemma[:-2] if lemma.endswith("en") else ""
    if stem and word in (f"{stem}e", stem):
        return stem + ("et" if _needs_e(stem) else "t")
    # A past form ("arbeitete", "ging") is the same in both persons.
    return word if stem and not word.endswith("st") else None


def _needs_e(stem: str) -> bool:
    if stem.endswith(("d", "t")):
        return True
    return stem.endswith(("m", "n")) and len(stem) > 1 and stem[-2] not in "aeiouäöülrmnh"
