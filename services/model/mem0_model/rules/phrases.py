"""Tagged tokens to phrases: noun phrases, prepositional phrases, times; the rest stays single."""

from dataclasses import dataclass, replace

from mem0_model.rules.tagging import Language, Token
from mem0_model.rules.times import MEASURES, NEGATIVE, time_at
from mem0_model.rules.words import attributes, kinds

#: Adjectives that say nothing about the thing itself.
_EMPTY = frozenset("new own other same several little few more neu eigen andere ander".split())
_NAMING = frozenset("named called namens".split())
_OF = frozenset(("of",))
_NP_PARTS = frozenset(("det", "poss", "num", "adj", "noun", "name", "other"))
_HEADS = frozenset(("noun", "name", "num", "other"))
_SELF = frozenset("my our mein unser".split())


@dataclass(frozen=True, slots=True)
class Noun:
    """A noun phrase. `text` is its core without articles; `names` are the names it introduces.

    `owner` is "user" for my/our, the owner's text for "Anna's", "" for none.
    """

    text: str
    head: str = ""
    names: tuple[str, ...] = ()
    owner: str = ""
    negative: bool = False
    indefinite: bool = False
    definite: bool = False
    proper: bool = False
    number: bool = False
    activity: bool = False
    german: bool = False
    #: A common noun in the singular without article: "Passport expires in June".
    bare: bool = False
    #: Of "my mother's name": the relation of the owner to the user.
    owner_kin: str = ""

    @property
    def kin(self) -> str:
        """The relation that the head stands for ("sister"), or ""."""
        kin = attributes("kin")
        return kin.get(self.text.lower()) or kin.get(self.head) or ""

    @property
    def common_kind(self) -> str:
        """The kind of the head noun by the word lists, or ""."""
        return kind_of_word(self.text, self.head, self.german)


@dataclass(frozen=True, slots=True)
class Phrase:
    """One piece of a clause.

    kind: "noun" (noun is set), "prep" (prep and noun), "time" (prep may be "", noun),
    or "token" (token is set).
    """

    kind: str
    token: Token | None = None
    noun: Noun | None = None
    prep: str = ""

    def is_token(self, *positions: str) -> bool:
        """Tell whether this is a single token of one of these parts of speech."""
        return self.token is not None and self.token.pos in positions


def kind_of_word(text: str, head: str, german: bool = False) -> str:
    """Return the kind of a common noun by its text or head; German compounds by their end.

    "" when no list has it.
    """
    table = kinds()
    low, head = text.lower(), head.lower()
    for word in (low, head, low.split()[-1] if low else ""):
        if word in table:
            return table[word]
    if german:
        for word in (head, low):
            for cut in range(2, len(word) - 3):
                if word[cut:] in table:
                    return table[word[cut:]]
    return ""


def phrases_of(tokens: list[Token], language: Language) -> list[Phrase]:
    """Return the phrases of a clause in order."""
    found: list[Phrase] = []
    i = 0
    while i < len(tokens):
        phrase, i = _phrase_at(tokens, i, language)
        found.append(phrase)
    return found


def _phrase_at(tokens: list[Token], i: int, language: Language) -> tuple[Phrase, int]:
    when = time_at(tokens, i)
    if when is not None:
        prep, words, end = when
        text = " ".join(token.text for token in words).replace(" '", "'")
        return Phrase("time", noun=Noun(text, head=words[-1].low), prep=prep), end
    token = tokens[i]
    if _is_prep(token, tokens, i):
        noun = _noun_at(tokens, i + 1, language) or _gerund_at(tokens, i + 1, language)
        if noun is not None:
            return Phrase("prep", noun=noun[0], prep=token.low), noun[1]
        return Phrase("token", token=token), i + 1
    noun = _noun_at(tokens, i, language)
    if noun is not None:
        return Phrase("noun", noun=noun[0]), noun[1]
    return Phrase("token", token=token), i + 1


def _is_prep(token: Token, tokens: list[Token], i: int) -> bool:
    if token.pos == "prep":
        return True
    # "work as a nurse": the tagger sees a conjunction; "als ich klein war" really is one.
    follower = tokens[i + 1].pos if i + 1 < len(tokens) else ""
    return token.low in ("as", "als") and follower in ("det", "noun", "name", "adj", "poss")


def _noun_at(tokens: list[Token], i: int, language: Language) -> tuple[Noun, int] | None:
    start = i
    while i < len(tokens) and _continues(tokens, i, start):
        i += 1
    core = tokens[start:i]
    while core and core[-1].pos in ("det", "poss") and len(core) > 1:
        core, i = core[:-1], i - 1
    if not any(token.pos in _HEADS or _capital_adjective(token, language) for token in core):
        return None
    if i + 1 < len(tokens) and tokens[i].pos == "of":  # Anna's husband
        rest = _noun_at(tokens, i + 1, language)
        if rest is not None:
            owner = _build(core, language)
            kin = owner.kin if owner.owner == "user" or not owner.proper else ""
            return replace(rest[0], owner=owner.text, owner_kin=kin), rest[1]
    noun = _build(core, language)
    if i < len(tokens) and tokens[i].low in _OF:
        rest = _noun_at(tokens, i + 1, language)
        whole = noun.text[:1].isupper() or noun.common_kind == "organization"
        if rest is not None and (whole or not rest[0].proper):
            text = f"{noun.text} of {rest[0].text}"
            noun = replace(noun, text=text, names=())
            i = rest[1]
    return _with_names(noun, tokens, i)


def _continues(tokens: list[Token], i: int, start: int) -> bool:
    token = tokens[i]
    before = tokens[i - 1].pos if i > start else ""
    if token.pos in ("det", "poss"):
        return (before in ("", "det") and token.low not in ("that", "this")) or (
            before == "" and i + 1 < len(tokens) and tokens[i + 1].pos in ("adj", "noun", "num")
        )
    if token.pos == "adv":  # a very old car, about 20 euros
        follower = tokens[i + 1].pos if i + 1 < len(tokens) else ""
        return before == "det" and follower == "adj"
    if token.pos == "num" and before == "name":  # owes Tom 50 euros
        return not (i + 1 < len(tokens) and tokens[i + 1].pos == "noun")
    if token.pos == "adj" and before in ("noun", "name"):
        return token.text[:1].isupper()
    return token.pos in _NP_PARTS and not (token.pos == "other" and not token.text[:1].isalpha())


def _capital_adjective(token: Token, language: Language) -> bool:
    return token.pos == "adj" and token.text[:1].isupper() and language == "en"


def _build(core: list[Token], language: Language) -> Noun:
    owner = ""
    negative = indefinite = definite = False
    words: list[Token] = []
    for token in core:
        if token.pos == "poss":
            owner = "user" if _is_self(token) else token.low
        elif token.pos == "det" or token.low in NEGATIVE:
            negative = negative or token.low in NEGATIVE
            indefinite = indefinite or token.low in ("a", "an", "ein", "eine", "einen", "einem")
            definite = definite or not (negative or indefinite)
        elif token.lemma.lower() not in _EMPTY and token.low not in _EMPTY:
            words.append(token)
    words = words or [core[-1]]
    head = next((t for t in reversed(words) if t.pos in ("noun", "other")), words[-1])
    if words[0].pos == "num" and len(words) > 1 and head.lemma.lower() not in MEASURES:
        words = words[1:]
    names: tuple[str, ...] = ()
    lead = words
    while lead and lead[-1].pos == "name" and lead[-1].text[:1].isupper():
        lead = lead[:-1]
    if lead and len(lead) < len(words) and _introduces(lead[-1], language):
        names = (" ".join(token.text for token in words[len(lead) :]),)
        words, head = lead, lead[-1]
    proper = (
        not names
        and all(t.pos in ("name", "adj") for t in words)
        and bool(words[-1].pos == "name" or words[-1].text[:1].isupper())
    )
    return Noun(
        text=" ".join(token.text for token in words),
        head=head.lemma.lower(),
        names=names,
        owner=owner,
        negative=negative,
        indefinite=indefinite,
        definite=definite,
        proper=proper,
        number=words[0].pos == "num",
        german=language == "de",
        bare=not (owner or definite or indefinite or negative or proper)
        and words[0].pos != "num"
        and head.pos == "noun"
        and head.lemma.lower() == head.low,
    )


def _is_self(token: Token) -> bool:
    low = token.low
    return low in _SELF or low.startswith(("mein", "unser", "unsr"))


def _introduces(token: Token, language: Language) -> bool:
    """Tell whether a name after this noun is the name of what the noun says."""
    if token.pos != "noun":
        return False
    if kind_of_word(token.text, token.lemma) in ("person", "animal", "profession"):
        return True
    return token.lemma.lower() in attributes("kin") or token.low in attributes("kin")


def _with_names(noun: Noun, tokens: list[Token], i: int) -> tuple[Noun, int]:
    j = i
    if j < len(tokens) and tokens[j].low in _NAMING:
        names, end = _name_list(tokens, j + 1)
        return (replace(noun, names=tuple(names)), end) if names else (noun, i)
    named = noun.kin or noun.common_kind in ("animal", "person")
    if named and not noun.proper and not noun.names and j < len(tokens) and tokens[j].text == ",":
        names, end = _name_list(tokens, j + 1)
        closed = end >= len(tokens) or tokens[end].pos == "punct"
        if names and closed:
            return replace(noun, names=tuple(names)), end
    return noun, i


def _name_list(tokens: list[Token], i: int) -> tuple[list[str], int]:
    names: list[str] = []
    end = i
    while i < len(tokens):
        start = i
        while i < len(tokens) and _can_be_name(tokens[i]):
            i += 1
        if i == start:
            break
        names.append(" ".join(token.text for token in tokens[start:i]))
        end = i
        if i < len(tokens) and (tokens[i].text == "," or tokens[i].pos == "conj"):
            i += 1
            if i < len(tokens) and tokens[i].pos == "conj":
                i += 1
        else:
            break
    return names, end


def _can_be_name(token: Token) -> bool:
    return token.text[:1].isupper() and token.pos in ("name", "noun", "adj", "other", "modal")


def _gerund_at(tokens: list[Token], i: int, language: Language) -> tuple[Noun, int] | None:
    if i >= len(tokens) or tokens[i].form != "gerund":
        return None
    j = i + 1
    while j < len(tokens) and tokens[j].pos in ("particle", "adv"):
        j += 1
    words = tokens[i:j]
    thing = _noun_at(tokens, j, language) if time_at(tokens, j) is None else None
    text = " ".join(token.text for token in words)
    if thing is not None:
        text, j = f"{text} {thing[0].text}", thing[1]
    return Noun(text, head=words[0].low, activity=True), j


def gerund_at(tokens: list[Token], i: int, language: Language) -> tuple[Noun, int] | None:
    """Return the activity that a gerund begins ("playing chess") and where it ends."""
    return _gerund_at(tokens, i, language)
