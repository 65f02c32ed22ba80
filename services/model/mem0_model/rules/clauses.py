"""Tagged sentences to clauses: where one statement ends and the next begins."""

from dataclasses import dataclass, replace

from mem0_model.rules.tagging import Language, Token, tag
from mem0_model.rules.words import attributes

#: What follows these is not said to be so.
CONDITIONAL = frozenset("if whether unless wenn falls ob".split())
_SUBJECTS = frozenset("i we he she they it you ich wir er sie es du ihr man".split())
_SUBORDINATORS = frozenset("because although when while if weil denn obwohl wenn falls".split())
#: Nouns that the tagger prefers to the verb: "and work as a nurse".
_VERB_NOUNS = frozenset(
    "work study train run walk drive play cook swim plan hope love live dance paint bike cycle "
    "surf ski sail fish hike climb travel drink sleep rent own teach need want use".split()
)


@dataclass(frozen=True, slots=True)
class Clause:
    """A stretch of a sentence with one finite verb.

    `link` is "" for a main clause, "and" for one that goes on with the subject of the one before,
    "relative" for one about the noun before it, "sub" for "because ...", "if" for a condition.
    """

    tokens: list[Token]
    link: str = ""


def tag_sentence(text: str, language: Language) -> list[Token]:
    """Return the tokens of one sentence; facts without a subject ("Plays chess") are understood."""
    tokens = _repaired(tag(text, language), language)
    if not tokens or not _may_lack_subject(tokens):
        return tokens
    lead = {"en": "He ", "de": "Er "}[language]
    again = _repaired(tag(lead + text[:1].lower() + text[1:], language), language)[1:]
    verb = next((t for t in again if t.pos not in ("adv", "neg") and t.low not in _LEADS), None)
    if verb is None or not is_finite(verb) or verb.form == "base":
        return tokens
    shift = len(lead)
    return [
        replace(
            token,
            text=text[token.start - shift : token.end - shift],
            start=token.start - shift,
            end=token.end - shift,
        )
        for token in again
    ]


_LEADS = frozenset(("no", "longer"))


def _may_lack_subject(tokens: list[Token]) -> bool:
    """Tell whether a sentence may begin with its verb though the tagger does not see one there."""
    first = tokens[0]
    if first.pos == "verb":
        return first.form in ("base", "participle")
    if first.low == "no" and tokens[1:2] and tokens[1].low == "longer":
        return True
    if first.pos not in ("noun", "name", "adj", "other", "adv"):
        return False
    before = [None, *tokens]
    return not any(
        is_finite(token) and not (lead and lead.pos == "to")
        for lead, token in zip(before, tokens, strict=False)
    )


def is_finite(token: Token) -> bool:
    """Tell whether a token can be the verb of a clause."""
    if token.pos == "modal":
        return token.form != "infinitive"
    return token.pos == "verb" and token.form in ("base", "third", "past", "finite")


def clauses_of(tokens: list[Token], language: Language) -> list[Clause]:
    """Return the clauses of a sentence."""
    cuts = _cuts(tokens, language)
    ends = [cut[0] for cut in cuts[1:]] + [len(tokens)]
    found = [
        Clause(_trimmed(tokens[start:end]), link)
        for (_, start, link), end in zip(cuts, ends, strict=True)
    ]
    return [clause for clause in found if clause.tokens]


def cuts_of(tokens: list[Token], language: Language) -> list[tuple[int, str]]:
    """Return (index of its first token, link) of every clause but the first."""
    return [(start, link) for _, start, link in _cuts(tokens, language)[1:]]


def _cuts(tokens: list[Token], language: Language) -> list[tuple[int, int, str]]:
    cuts: list[tuple[int, int, str]] = [(0, 0, "")]  # (end of the one before, start, link)
    if tokens and _subordinates(tokens[0]) and any(is_finite(token) for token in tokens):
        cuts = [(0, 1, _link(tokens[0]))]
    i = 0
    while i < len(tokens):
        cut = _cut_at(tokens, i, cuts[-1], language)
        if cut is not None:
            cuts.append((i, *cut))
            i = cut[0]
        i += 1
    return cuts


def _cut_at(
    tokens: list[Token], i: int, current: tuple[int, int, str], language: Language
) -> tuple[int, str] | None:
    """Return (start, link) of the clause that begins at token `i`, or None."""
    _, begin, link = current
    token = tokens[i]
    j = i + 1 if token.text in (",", ";", "-", "–") else i
    if j >= len(tokens):
        return None
    comma = j > i
    word = tokens[j]
    if _subordinates(word):
        if not any(is_finite(t) for t in tokens[j + 1 :]) or not (comma or language == "en"):
            return None
        if j == begin or (word.low in ("than", "as", "als", "wie") and not comma):
            return (j + 1, _link(word)) if j == begin and not comma and i > 0 else None
        return j + 1, _link(word)
    if not any(is_finite(t) for t in tokens[begin:i]):
        return None
    if word.pos == "rel" or (word.pos == "wh" and word.low in ("who", "which", "whom")):
        before = tokens[i - 1].pos if i else ""
        return (j + 1, "relative") if before in ("noun", "name") else None
    if word.pos == "conj":
        return _coordinated(tokens, j + 1, begin)
    first = link in ("if", "sub")  # the main clause may follow without any sign
    if (comma or first) and word.low in _SUBJECTS and _finite_soon(tokens, j + 1):
        return j, ""
    if comma and first and is_finite(word):
        return j, ""
    if language == "en" and word.low in _SUBJECTS and _finite_soon(tokens, j + 1):
        return j, "sub"  # the doctor said I should ...
    return None


def _subordinates(word: Token) -> bool:
    return word.pos == "sub" or word.low in _SUBORDINATORS


def _link(word: Token) -> str:
    return "if" if word.low in CONDITIONAL else "sub"


def _coordinated(tokens: list[Token], j: int, begin: int) -> tuple[int, str] | None:
    start = j
    while j < len(tokens) and tokens[j].pos in ("adv", "neg"):
        j += 1
    if j >= len(tokens):
        return None
    word = tokens[j]
    if word.low in _SUBJECTS:
        return (start, "") if _finite_soon(tokens, j + 1) else None
    if is_finite(word):
        infinitive = any(
            t.pos in ("to", "modal") or (t.pos == "verb" and t.form == "infinitive")
            for t in tokens[begin : start - 1]
        )
        return None if infinitive and word.form == "base" else (start, "and")
    k = j
    while k < len(tokens) and tokens[k].pos in ("det", "poss", "adj", "noun", "name", "num", "of"):
        k += 1
    if k > j and k < len(tokens) and is_finite(tokens[k]):
        return start, ""
    return None


def _finite_soon(tokens: list[Token], i: int) -> bool:
    while i < len(tokens) and tokens[i].pos in ("adv", "neg", "reflexive", "pron"):
        i += 1
    return i < len(tokens) and is_finite(tokens[i])


def _trimmed(tokens: list[Token]) -> list[Token]:
    while tokens and tokens[0].pos in ("punct", "conj"):
        tokens = tokens[1:]
    while tokens and tokens[-1].pos in ("punct", "conj"):
        tokens = tokens[:-1]
    return tokens


def _is_missing_verb(before: Token, token: Token) -> bool:
    """Tell the verb in "my flight to Oslo leaves at 7:45", which the tagger takes for a noun."""
    return (
        before.pos in ("name", "noun")
        and token.pos == "noun"
        and token.text.islower()
        and token.low.endswith("s")
        and token.lemma.lower() != token.low
    )


def _repaired(tokens: list[Token], language: Language) -> list[Token]:
    """Mend what the tagger gets wrong often: verbs that it takes for nouns."""
    first = tokens[0] if tokens else None
    if first and first.pos == "name" and first.low in attributes("kin"):
        tokens = [replace(first, pos="noun", lemma=first.low), *tokens[1:]]
    if language == "de":
        return tokens
    verbless = not any(is_finite(token) for token in tokens)
    fixed: list[Token] = []
    for index, token in enumerate(tokens):
        if token.pos == "noun" and token.text.islower():
            before = [t for t in fixed if t.pos not in ("adv", "neg")]
            while len(before) >= 2 and before[-2].low == "no" and before[-1].low == "longer":
                before = before[:-2]
            lead = before[-1] if before else None
            follower = tokens[index + 1].pos if index + 1 < len(tokens) else "punct"
            third = lead is not None and lead.low in ("he", "she") and token.low.endswith("s")
            subject = third or (lead is not None and lead.low in ("i", "we", "they", "you"))
            joined = (
                lead is not None
                and lead.pos == "conj"
                and token.low in _VERB_NOUNS
                and follower in ("prep", "sub", "det", "poss", "to", "adv", "name")
                and any(t.low in ("i", "we", "they") for t in fixed)
            )
            if subject or joined:
                fixed.append(replace(token, pos="verb", form="third" if third else "base"))
                continue
        if verbless and fixed and _is_missing_verb(fixed[-1], token):
            fixed.append(replace(token, pos="verb", form="third"))
            verbless = False
            continue
        if token.pos == "name" and token.text.islower() and token.low.endswith("ing"):
            fixed.append(replace(token, pos="verb", form="gerund"))
            continue
        fixed.append(token)
    return fixed
