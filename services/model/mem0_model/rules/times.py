"""Times in tagged text: "next Friday", "on 3 May 1990", "jeden Dienstag", "um 18 Uhr"."""

from mem0_model.rules.tagging import Token
from mem0_model.rules.words import times

#: Determiners that negate: "no dogs", "keinen Kaffee".
NEGATIVE = frozenset("no kein keine keinen keinem keiner keines".split())
#: Units of measurement; "twelve years" is a length, no point in time.
MEASURES = frozenset(
    "year month week day hour minute kg g mg ml l cm m km euro dollar pound metre meter percent "
    "jahr monat woche tag stunde minute meter prozent".split()
)
_PREPS = frozenset(
    "on at in by until till since from before after around during for "
    "am an um im in seit bis ab gegen vor nach zu zum während".split()
)
_ARTICLES = frozenset("the a an der die das den dem".split())


def time_at(tokens: list[Token], i: int) -> tuple[str, list[Token], int] | None:
    """Return (preposition or "", the time's tokens, where it ends) of a time at token `i`."""
    if i >= len(tokens):
        return None
    prep = ""
    start = i
    if tokens[i].pos == "prep" and tokens[i].low in _PREPS:
        prep, start = tokens[i].low, i + 1
    end = _time_end(tokens, start, bool(prep))
    if end == start:
        return None
    words = tokens[start:end]
    while len(words) > 1 and words[0].low in _ARTICLES:
        words = words[1:]
    return prep, words, end


def _time_end(tokens: list[Token], start: int, after_prep: bool) -> int:
    """Return where a time that begins at `start` ends; `start` itself when there is none."""
    i = start
    strong = False  # a word that is a time by itself
    while i < len(tokens):
        token = tokens[i]
        low, lemma = token.low, token.lemma.lower()
        tomorrow = low == "morgen" and token.pos == "adv"
        if tomorrow or low in times("weekday") or low in times("adverb"):
            if low in times("adverb") and i > start:
                break
            strong = True
        elif low in times("month") and (token.text[:1].isupper() or i > start):
            # "may" and "march" are words too.
            strong = strong or token.pos in ("name", "noun") or i > start
        elif low in times("part") or lemma in times("part"):
            # "summer" alone may be a thing; "every summer", "in summer" is a time.
            if i == start and not after_prep:
                break
            if _measured(tokens, i, start) and not after_prep:
                break
            strong = True
        elif token.pos == "num" and _clock(token.text):
            strong = True
        elif token.pos == "num" and _year(low) and (after_prep or i > start):
            strong = True
        elif token.pos == "num":
            follower = tokens[i + 1] if i + 1 < len(tokens) else None
            if not strong and (follower is None or not _names_time(follower)):
                break
        elif low in times("quantifier") or (token.pos == "det" and low not in NEGATIVE):
            follower = tokens[i + 1] if i + 1 < len(tokens) else None
            if i > start and token.pos != "det":
                break
            if follower is None or not _names_time(follower, True):
                break
        elif token.pos == "adj" and i + 1 < len(tokens) and _names_time(tokens[i + 1]):
            pass
        elif low in ("o'clock", "ago", "of") and strong:
            if low == "of" and not (i + 1 < len(tokens) and _names_time(tokens[i + 1])):
                break
        else:
            break
        i += 1
    while i > start and tokens[i - 1].pos in ("det", "prep", "adj"):
        i -= 1
    if start < i < len(tokens) and tokens[i - 1].low in times("part"):
        if tokens[i].pos == "noun" and tokens[i].text.islower():
            return start  # a morning person
    return i if strong else start


def _names_time(token: Token, or_number: bool = False) -> bool:
    low = token.low
    if or_number and token.pos in ("num", "adj"):
        return True
    return (
        low in times("weekday")
        or low in times("month")
        or low in times("part")
        or token.lemma.lower() in times("part")
    )


def _measured(tokens: list[Token], i: int, start: int) -> bool:
    """Tell a length ("twelve years") from a point in time ("next year")."""
    return (
        tokens[start].pos == "num"
        and tokens[i].lemma.lower() in MEASURES
        and not (i + 1 < len(tokens) and tokens[i + 1].low in ("ago", "later"))
    )


def _clock(text: str) -> bool:
    low = text.lower()
    hours, _, minutes = low.partition(":")
    if minutes and hours.isdigit() and minutes[:2].isdigit():
        return int(hours) <= 24
    return low.endswith(("am", "pm", "a.m.", "p.m."))


def _year(text: str) -> bool:
    return text.isdigit() and len(text) == 4 and text[:2] in ("18", "19", "20", "21")
