"""Texts to sentences: which tell, which ask, which ask to forget, which say nothing."""

import re
from dataclasses import dataclass

from mem0_model.rules.words import small_talk

_ABBREVIATIONS = frozenset(
    "dr mr mrs ms prof st sr jr vs etc e.g i.e approx no nr ca z.b d.h u.a bzw usw inkl str tel "
    "hr fr geb evtl ggf min max std".split()
)
#: A number with a dot before one of these is a German ordinal: "am 3. Mai".
_AFTER_ORDINAL = frozenset(
    "januar februar märz april mai juni juli august september oktober november dezember "
    "stock klasse etage geburtstag jahrhundert".split()
)
_END = re.compile(r"(?<![.!?…])[.!?…]+[\"'”’)»]*(?=\s|$)|\n+|;(?=\s)")
#: What a list or a quotation begins with; not the sign of a number, nor an option's dashes.
_MARKS_BEFORE = re.compile(r"(?:[*•\s]|>(?!=|\.?\d)|[-–](?!\.?\d|[$€£]|-\w))+")
#: And what it ends with; not the sign of a mark or a blood group.
_MARKS_AFTER = re.compile(r"(?:[*•>\s]|(?<!\b[A-F])(?<!\b[A-F]B)(?<!\b[O0])(?<!\bRh)[-–])+$")
#: Characters; what is longer is a listing or noise, and is kept as it is without being analysed:
#: the time of an analysis grows faster than the length.
LONGEST = 1000
_ASKS = (
    r"(?:"
    r"(?:what|which|who|whom|whose|where|when|why|how)(?:'s|'re)?\s+(?!i\b|we\b|my\b)"
    r"|(?:do|does|did|is|are|was|were|am|can|could|will|would|should|have|has|shall|may)\s+"
    r"(?:i|you|we|he|she|it|they|there|my|your|the|this|that|anyone|someone)\b"
    r"|(?:welche[rsnm]?|wer|wen|wem|wessen|wo|wohin|woher|wann|warum|wieso|wie|weshalb|womit)\s"
    r"|was\s+(?:bin|ist|sind|hast|habe|haben|kann|soll|muss|mache?n?|weißt|meinst|war|wird|gibt)\b"
    r"|(?:bin|bist|ist|sind|hast|habe|haben|kann|kannst|können|könnt|könntest|willst|wirst|soll|"
    r"magst|gibt|weißt|wisst|darf|muss|machst|kennst)\s+"
    r"(?:ich|du|ihr|wir|sie|es|er|mein\w*|der|die|das|jemand)\b"
    r")"
)
_ASKING = re.compile(rf"^(?:(?:and|but|so|und|aber|or|oder)\s+)?{_ASKS}", re.IGNORECASE)
_TURNS_TO_ASK = re.compile(rf"\s*(?:,|\s-|\s–)\s*(?:(?:and|but|so|und|aber)\s+)?(?={_ASKS})", re.I)
#: Requests to the assistant; with "my" in them they say something about the user and stay.
_REQUEST = re.compile(
    r"^(?:please\s+|bitte\s+)?(?:(?:tell|show|give|explain|write|translate|recommend|suggest|find|"
    r"help|sing|play|read)\s+(?:to\s+)?(?:me|us)\b"
    r"|(?:sag|zeig|gib|erklär|erkläre|schreib|schreibe|übersetz|übersetze|empfiehl|hilf|erzähl|"
    r"erzähle|nenn|nenne)\s+(?:mir|uns)\b)",
    re.IGNORECASE,
)
_OWN = re.compile(r"\b(?:my|our|mein\w*|unser\w*|unsere\w*)\b", re.IGNORECASE)
_REMEMBER = re.compile(
    r"^(?:please\s+|bitte\s+)?(?:"
    r"(?:remember|note|keep in mind|don't forget|do not forget|save|memorize)(?:\s+please)?"
    r"(?:\s+that\b|\s+this\b|\s+the following\b)?\s*[:,]?\s+(?!to\b|me\b)"
    r"|(?:merke?|notiere?)(?:\s+dir)?(?:\s+bitte)?(?:\s*[:,]\s*|\s+)(?:dass\s+)?"
    r"|vergiss(?:\s+bitte)?\s+nicht(?:\s*[:,]\s*)(?:dass\s+)?"
    r"|denk(?:e)?(?:\s+bitte)?\s+(?:dran|daran)(?:\s*[:,]\s*)(?:dass\s+)?"
    r")",
    re.IGNORECASE,
)
_FORGET = re.compile(
    r"^(?:please\s+|bitte\s+)?(?:(?:forget|delete|erase)(?:\s+the\s+(?:fact|memory))?\s+that\s+"
    r"|forget:\s*|vergiss(?:\s+bitte)?(?:\s*,)?\s+dass\s+|lösch(?:e)?(?:\s+bitte)?(?:\s*,)?\s+dass\s+)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence without its closing sign and without greetings or "remember that" before it.

    question: it asks; forget: its statement is to be forgotten; reported: German word order of a
    "dass" clause, verb last.
    """

    text: str
    question: bool = False
    forget: bool = False
    reported: bool = False

    @property
    def analysed(self) -> str:
        """The part of the text that the grammar reads."""
        return self.text[:LONGEST]


def sentences_of(text: str) -> list[Sentence]:
    """Return the sentences of `text` in order, small talk and bare requests left out."""
    text = text.replace("’", "'").replace("‘", "'").replace("ʼ", "'")
    found: list[Sentence] = []
    start = 0
    for end in _END.finditer(text):
        if end.group().startswith(".") and not _closes(text, start, end):
            continue
        found += _read(text[start : end.start()], "?" in end.group())
        start = end.end()
    return found + _read(text[start:], asked=False)


def _closes(text: str, start: int, end: re.Match[str]) -> bool:
    """Tell a full stop from the dot of an abbreviation, an initial or a German ordinal."""
    rest = text[end.end() :].lstrip()
    if not rest:
        return True
    before = text[max(start, end.start() - 20) : end.start()]  # no abbreviation is longer
    word = re.search(r"[\w.]*$", before)
    last = word.group().lower() if word else ""
    if last in _ABBREVIATIONS or (last in ("a.m", "p.m") and rest[0].islower()):
        return False
    if len(last) == 1 and last.isalpha() and last != "i":
        return False
    if last.isdigit() and len(last) <= 2:
        following = re.match(r"\w+", rest)
        return (following.group().lower() if following else "") not in _AFTER_ORDINAL
    return True


def _read(text: str, asked: bool) -> list[Sentence]:
    text = _MARKS_AFTER.sub("", " ".join(text.split()))
    text = text[marks.end() :] if (marks := _MARKS_BEFORE.match(text)) else text
    if len(text) > LONGEST:
        return [Sentence(text)]
    text = _without_small_talk(text)
    if not re.search(r"\w", text):
        return []
    if _FORGET.match(text):
        rest = _FORGET.sub("", text)
        german = re.search(r"dass\s+$", _FORGET.match(text).group())  # type: ignore[union-attr]
        return [Sentence(rest, forget=True, reported=bool(german))] if rest.strip() else []
    remember = _REMEMBER.match(text)
    if remember and text[remember.end() :].strip():
        reported = remember.group().lower().rstrip().endswith("dass")
        return [Sentence(text[remember.end() :].strip(), reported=reported)]
    if _ASKING.match(text):
        return [Sentence(text, question=True)]
    if asked:
        turns = list(_TURNS_TO_ASK.finditer(text))
        if not turns or not turns[-1].start():
            return [Sentence(text, question=True)]
        turn = turns[-1]
        told, question = text[: turn.start()], text[turn.end() :]
        return [Sentence(told.strip()), Sentence(question.strip(), question=True)]
    if _REQUEST.match(text) and not _OWN.search(text):
        return []
    return [Sentence(text)]


def _without_small_talk(text: str) -> str:
    """Return `text` without the greetings and fillers at its start, "" when it is nothing else."""
    rest = text
    while True:
        head, comma, tail = rest.partition(",")
        if _is_small_talk(head):
            rest = tail.strip()
            if not comma:
                return ""
            continue
        words = head.split()
        for size in (3, 2, 1):
            lead = " ".join(words[:size])
            # "Hi I am Anna": only words that open nothing else.
            if len(words) > size and lead.lower().rstrip("!") in _OPENERS:
                rest = rest[len(lead) :].strip()
                break
        else:
            return rest


_OPENERS = frozenset(
    ("hi", "hello", "hey", "hi there", "hello there", "hey there", "by the way", "btw", "fyi",
     "hallo", "übrigens", "good morning", "guten morgen", "guten tag")
)  # fmt: skip


def _is_small_talk(text: str) -> bool:
    return re.sub(r"[^\w' ]", "", text).strip().lower() in small_talk()
