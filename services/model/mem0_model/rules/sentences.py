"""Texts to sentences, and which of them ask instead of tell."""

import re
from dataclasses import dataclass

_ABBREVIATIONS = frozenset(
    "dr mr mrs ms prof st sr jr vs etc e.g i.e approx no nr ca z.b d.h u.a bzw usw inkl str tel "
    "hr fr geb evtl ggf min max std".split()
)
_END = re.compile(r"(?:[.!?…]+[\"'”’)»]*(?=\s|$)|\n+|;(?=\s))")
_ASKING = re.compile(
    r"^(?:and |but |so |und |aber )?(?:"
    r"(?:what|which|who|whom|whose|where|when|why|how)(?:'s|'re)?\s+(?!i\b|we\b|my\b)"
    r"|(?:do|does|did|is|are|was|were|am|can|could|will|would|should|have|has|shall|may)\s+"
    r"(?:i|you|we|he|she|it|they|there|my|your|the|this|that|anyone|someone)\b"
    r"|(?:was|welche[rsnm]?|wer|wen|wem|wessen|wo|wohin|woher|wann|warum|wieso|wie|weshalb|womit)\s"
    r"|(?:bin|bist|ist|sind|hast|habe|haben|kann|kannst|können|könnt|könntest|willst|wirst|soll|"
    r"magst|gibt|weißt|wisst|darf|muss|machst|kennst)\s+"
    r"(?:ich|du|ihr|wir|sie|es|er|mein\w*|der|die|das|jemand)\b"
    r")",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence without its closing sign; `question` when it asks."""

    text: str
    question: bool


def sentences_of(text: str) -> list[Sentence]:
    """Return the sentences of `text` in order; nothing of it is lost but closing signs."""
    text = text.replace("’", "'").replace("‘", "'").replace("ʼ", "'")
    found: list[Sentence] = []
    start = 0
    for end in _END.finditer(text):
        if end.group().startswith(".") and not _closes(text, start, end):
            continue
        _append(found, text[start : end.start()], "?" in end.group())
        start = end.end()
    _append(found, text[start:], False)
    return found


def _closes(text: str, start: int, end: re.Match[str]) -> bool:
    """Tell a full stop from the dot of an abbreviation, an initial or a German ordinal."""
    rest = text[end.end() :].lstrip()
    if not rest:
        return True
    word = re.search(r"([\w.]*)$", text[start : end.start()])
    last = (word.group(1) if word else "").lower()
    if last in _ABBREVIATIONS:
        return False
    if len(last) == 1 and last.isalpha() and last not in ("i",):
        return False
    if last.isdigit() and len(last) <= 2:
        following = re.match(r"(\w+)", rest)
        month = following.group(1).lower() if following else ""
        return not (month in _MONTHS or rest[0].islower())
    return True


_MONTHS = frozenset(
    "januar februar märz april mai juni juli august september oktober november dezember "
    "stock klasse etage geburtstag jahrhundert".split()
)


def _append(found: list[Sentence], text: str, asked: bool) -> None:
    text = text.strip()
    if not re.search(r"\w", text):
        return
    found.append(Sentence(text, asked or bool(_ASKING.match(text))))
