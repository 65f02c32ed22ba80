"""Text to tagged tokens: HanTa's part-of-speech tags of both languages in one small set."""

import re
import threading
from dataclasses import dataclass
from functools import cache
from typing import Literal

from HanTa.HanoverTagger import HanoverTagger

Language = Literal["en", "de"]

#: noun name verb aux modal adj adv det poss pron prep conj sub num neg to wh particle punct other
Pos = str

#: A longer run of letters is no word; the tagger's time grows with the length.
LONGEST_WORD = 40


@dataclass(frozen=True, slots=True)
class Token:
    """A word or sign. `form` tells of verbs: base, third, past, participle, gerund, finite."""

    text: str
    lemma: str
    pos: Pos
    form: str = ""
    start: int = 0
    end: int = 0

    @property
    def low(self) -> str:
        """The text in lower case."""
        return self.text.lower()


_TOKEN = re.compile(
    r"""
      [\w.+-]+@[\w-]+(?:\.[\w-]+)+                     # email address
    | https?://[^\s<>"']+                             # web address
    | \+?\d[\d\s/()-]{6,}\d                           # telephone number
    | (?:(?<![^\s(\[{"'„“=<>~≈])[-+−–±]?\.?(?=\d))?        # the sign of a number, not of 5-7
      \d+(?:[.,:/]\d+)*                               # number, time of day
      (?:\s?[ap]m\b|\s?[ap]\.m\.|st\b|nd\b|rd\b|th\b|%|\.(?=\s[A-ZÄÖÜ]))?
    | (?-i:[A-F]B?|O|Rh)[-+−](?![\w+-])                # A-, AB+: a mark, a blood group
    | [^\W\d_]\+\+ | [CF]\#                          # C++, C#
    | (?:Dr|Mr|Mrs|Ms|Prof|St|Hr|Fr)\.(?=\s)            # title
    | n't\b | '(?:m|s|re|ve|ll|d)\b                   # what an apostrophe joins
    | [^\W_]+?(?=n't\b)                               # do|n't
    | [^\W_]+(?:[-_][^\W_]+)*                         # word, hyphenated word
    | \.\.\.|[^\w\s]|_
    """,
    re.VERBOSE | re.IGNORECASE,
)
_EXPANDED = {
    "n't": "not", "'m": "am", "'re": "are", "'ve": "have", "'ll": "will", "'d": "would",
}  # fmt: skip
_IS_AFTER = frozenset("he she it that this there what who where how when here".split())
_GERMAN = frozenset(
    "ich mich mir mein meine meinen meinem meiner du dich dir er wir uns unser unsere ihr euch sie "
    "der die das den dem des ein eine einen einem einer kein keine keinen und oder aber nicht ist "
    "sind bin hat habe haben war wird werden mit von zu zum zur im am bei beim auf aus für über "
    "unter nach seit dass wenn weil auch noch schon sehr gern gerne immer jeden jede wie wo wer "
    "wann welche welcher welches warum heute morgen gestern heißt heiße mag möchte danke bitte "
    "hallo hält arbeitet wohnt lebt spielt trinkt isst fährt kann muss will".split()
)
_ENGLISH = frozenset(
    "i me my mine you your he she it we us our they them their the a an and or but not is are am "
    "was were has have had do does did with of to at on by from for about since that if because "
    "very always every how where who when which what why today tomorrow yesterday likes loves "
    "works lives plays drinks eats takes keeps hi hello thanks please can will would".split()
)


def language_of(text: str) -> Language:
    """Return the language whose small words are more frequent; English when in doubt."""
    words = re.findall(r"[^\W\d_]+", text.lower())
    german = sum(word in _GERMAN for word in words) + 0.5 * len(re.findall("[äöüß]", text.lower()))
    return "de" if german > sum(word in _ENGLISH for word in words) else "en"


def tag(text: str, language: Language) -> list[Token]:
    """Return the tokens of `text` with their places in it."""
    matches = list(_TOKEN.finditer(text))
    words = [match.group() for match in matches]
    for index, word in enumerate(words):
        low = word.lower()
        words[index] = _EXPANDED.get(low, word)
        if low == "'s" and index and words[index - 1].lower() in _IS_AFTER:
            words[index] = "is"
        elif low == "ca" and matches[index + 1 : index + 2] and words[index + 1].lower() == "n't":
            words[index] = "can"
    tagged = _tagged([_short(word) for word in words], language)
    return [
        _token(match, word, lemma, mark, language)
        for match, word, (_, lemma, mark) in zip(matches, words, tagged, strict=True)
    ]


def _short(word: str) -> str:
    return word if len(word) <= LONGEST_WORD else word[:LONGEST_WORD]


_lock = threading.Lock()


@cache
def _tagger(language: Language) -> HanoverTagger:
    return HanoverTagger({"en": "morphmodel_en.pgz", "de": "morphmodel_ger.pgz"}[language])


def _tagged(words: list[str], language: Language) -> list[tuple[str, str, str]]:
    # The tagger keeps a cache in itself, and two first calls would both load its model.
    with _lock:
        found: list[tuple[str, str, str]] = _tagger(language).tag_sent(words, taglevel=1)
    return found


_PREFIXES = {
    "en": (
        ("NN", "noun"), ("NP", "name"), ("VV", "verb"), ("VH", "verb"), ("VB", "verb"),
        ("VD", "verb"), ("VM", "modal"), ("AJ", "adj"), ("AVQ", "wh"),
        ("AV", "adv"), ("AT", "det"),
        ("DPS", "poss"), ("DTQ", "wh"), ("DT", "det"), ("PNI", "noun"), ("PNQ", "wh"),
        ("PN", "pron"), ("PR", "prep"), ("CJC", "conj"), ("CJ", "sub"), ("CRD", "num"),
        ("ORD", "adj"), ("XX0", "neg"), ("TO0", "to"), ("EX0", "pron"), ("PU", "punct"),
        ("POS", "of"), ("ITJ", "other"),
    ),
    "de": (
        ("NN", "noun"), ("NE", "name"), ("VM", "modal"), ("VV", "verb"), ("VA", "verb"),
        ("ADJ", "adj"), ("ADV", "adv"), ("ART", "det"), ("PPOS", "poss"), ("PPER", "pron"),
        ("PRF", "reflexive"), ("PRELS", "rel"), ("PIAT", "det"), ("PDAT", "det"), ("PI", "pron"),
        ("PD", "pron"), ("PW", "wh"), ("PROAV", "adv"), ("PAV", "adv"), ("APPO", "other"),
        ("AP", "prep"), ("KOU", "sub"), ("KOKOM", "prep"), ("KO", "conj"), ("CARD", "num"),
        ("PTKNEG", "neg"), ("PTKVZ", "particle"), ("PTKZU", "to"), ("PTK", "adv"), ("$", "punct"),
    ),
}  # fmt: skip
_FORMS = {
    "VVB": "base", "VVI": "base", "VVZ": "third", "VVD": "past", "VVN": "participle",
    "VVG": "gerund", "VHB": "base", "VHI": "base", "VHZ": "third", "VHD": "past",
    "VHN": "participle", "VHG": "gerund", "VDB": "base", "VDI": "base", "VDZ": "third",
    "VDD": "past", "VDN": "participle", "VDG": "gerund", "VBB": "base", "VBI": "base",
    "VBZ": "third", "VBD": "past", "VBN": "participle", "VBG": "gerund",
}  # fmt: skip
_GERMAN_FORMS = {"FIN": "finite", "INF": "infinitive", "PP": "participle", "IZU": "infinitive"}


def _token(match: re.Match[str], word: str, lemma: str, mark: str, language: Language) -> Token:
    text = match.group()
    pos = next((pos for start, pos in _PREFIXES[language] if mark.startswith(start)), "other")
    form = _FORMS.get(mark, "")
    if language == "de" and pos in ("verb", "modal"):
        form = next((name for key, name in _GERMAN_FORMS.items() if key in mark), "finite")
    if ("@" in word and "." in word) or word.startswith(("http://", "https://")):
        pos = "name"
    elif word.endswith(".") and word[:1].isupper() and len(word) > 2:
        pos = "name"  # Dr.
    elif re.match(r"[-+−–±]?\.?\d", word):
        pos = "num"
    elif pos == "num" and re.search(r"[^\W\d_]", word) and re.search(r"\d", word):
        pos = "noun"  # hunter2
    elif re.fullmatch(r"\w+(?:[-+−]|\+\+|#)", word):
        pos = "name"  # A-, C++
    elif not re.search(r"\w", word):
        pos = "punct"
    elif mark == "AVP":
        pos = "particle"
    elif word == "not" and text.lower() == "n't":
        pos = "neg"
    return Token(text, lemma, pos, form, match.start(), match.end())
