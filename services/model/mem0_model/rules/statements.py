"""Clauses to statements: who does what, to what, where, when, and whether it is denied."""

from dataclasses import dataclass, field, replace

from mem0_model.rules.clauses import Clause, clauses_of, is_finite
from mem0_model.rules.phrases import Noun, Phrase, gerund_at, phrases_of
from mem0_model.rules.tagging import Language, Token
from mem0_model.rules.words import english_verbs, german_verbs

USER = Noun("", head="user", owner="user")
_FIRST = frozenset("i we ich wir".split())
_NEVER = frozenset("never nie niemals".split())
_CEASED = ("no longer", "any longer", "any more", "anymore", "nicht mehr", "kein mehr")
_PERFECT_BE = frozenset("gehen fahren fliegen kommen ziehen umziehen laufen reisen".split())

#: German prepositions by their English sense.
PREPOSITIONS = {
    "auf": "on", "in": "in", "im": "in", "ins": "in", "bei": "at", "beim": "at", "mit": "with",
    "nach": "to", "zu": "to", "zum": "to", "zur": "to", "aus": "from", "von": "from",
    "vom": "from", "für": "for", "gegen": "against", "über": "about", "unter": "under",
    "neben": "next_to", "an": "at", "am": "at", "ans": "at", "seit": "since", "bis": "until",
    "um": "at", "als": "as", "ohne": "without", "durch": "through", "vor": "before",
    "hinter": "behind", "zwischen": "between", "während": "during", "wie": "like",
}  # fmt: skip
_MODAL_DE = {
    "können": "can", "müssen": "has_to", "sollen": "should", "wollen": "wants_to",
    "dürfen": "may", "möchten": "wants_to", "mögen": "likes_to", "werden": "",
}  # fmt: skip
_MODAL_EN = {
    "can": "can", "could": "could", "ca": "can", "must": "must", "should": "should", "may": "may",
    "might": "might", "would": "would", "will": "", "'ll": "", "shall": "", "'d": "would",
}  # fmt: skip


@dataclass(slots=True)
class Statement:
    """One clause, language left behind: `verb` is an English lemma where a word list knows it."""

    subjects: list[Noun] = field(default_factory=list)
    verb: str = ""
    past: str = ""  # the form for the relation of a past event, "" for the present
    negated: bool = False
    ceased: bool = False
    prefix: str = ""  # "wants_to", "can", ...
    passive: bool = False
    participle: str = ""  # of a passive in English: "scared", "born"
    objects: list[Noun] = field(default_factory=list)
    phrases: list[tuple[str, Noun]] = field(default_factory=list)
    times: list[Noun] = field(default_factory=list)
    adjective: str = ""
    of_subject: list[tuple[str, Noun]] = field(default_factory=list)
    asserted: bool = True


def statements_of(
    tokens: list[Token], language: Language, reported: bool = False
) -> list[Statement]:
    """Return the statements of one sentence in order.

    `reported`: the sentence stood after "dass", its verb is the last word.
    """
    found: list[Statement] = []
    subject: list[Noun] = []
    last_noun: list[Noun] = []
    for index, clause in enumerate(clauses_of(tokens, language)):
        default = subject if clause.link == "and" else []
        if clause.link == "relative":
            default = last_noun
        elif index == 0 and not clause.link:
            default = [USER]
        verb_last = reported and index == 0
        one = replace(clause, link="sub") if verb_last else clause
        statement = _statement(one, default, language)
        if statement is None:
            continue
        statement.asserted = clause.link != "if"
        found.append(statement)
        if clause.link != "relative":
            subject = statement.subjects
        last_noun = [noun for _, noun in statement.phrases][-1:] or statement.objects[-1:]
        last_noun = last_noun or statement.subjects
    return found


def _statement(clause: Clause, default: list[Noun], language: Language) -> Statement | None:
    pieces = phrases_of(clause.tokens, language)
    final = language == "de" and clause.link in ("sub", "if", "relative")
    verb = _main_verb(pieces, last=final)
    if verb is None:
        return None
    statement = Statement()
    before, after = pieces[:verb], pieces[verb + 1 :]
    first = pieces[verb].token
    if first is None:
        return None
    _take_subject(statement, (before, after), default, language, final)
    if language == "en":
        rest = _english_verbs(statement, first, after)
    else:
        rest = _german_verbs(statement, first, (before if final else []) + after)
    if final:
        rest = [piece for piece in rest if piece not in _subject_pieces(statement, before)]
    _take_rest(statement, rest, language)
    low = " ".join(token.low for token in clause.tokens)
    ceased = any(mark in low for mark in _CEASED)
    ceased = ceased or ("mehr" in low.split() and any(n.negative for n in statement.objects))
    if ceased:
        statement.ceased, statement.negated = True, True
    return statement


def _main_verb(pieces: list[Phrase], last: bool) -> int | None:
    finite = [i for i, piece in enumerate(pieces) if piece.token and is_finite(piece.token)]
    if finite:
        return finite[-1] if last else finite[0]
    for i, piece in enumerate(pieces):
        if piece.token and piece.token.form == "gerund" and i == 0:
            return i
    return None


def _subject_pieces(statement: Statement, before: list[Phrase]) -> list[Phrase]:
    return [p for p in before if p.kind == "noun" and p.noun in statement.subjects]


def _take_subject(
    statement: Statement,
    around: tuple[list[Phrase], list[Phrase]],
    default: list[Noun],
    language: Language,
    final: bool,
) -> None:
    before, after = around
    pronouns = [p.token.low for p in before if p.is_token("pron") and p.token]
    nouns: list[Noun] = []
    for piece in before:
        if piece.kind == "time" and piece.noun:
            statement.times.append(piece.noun)
        elif piece.kind == "noun" and piece.noun and not (final and nouns):
            nouns.append(piece.noun)
        elif piece.kind == "prep" and piece.noun:
            if final:
                continue
            if nouns:
                statement.of_subject.append((_prep(piece.prep, language), piece.noun))
            else:
                statement.phrases.append((_prep(piece.prep, language), piece.noun))
        elif piece.is_token("adv", "neg") and piece.token and piece.token.low in _NEVER:
            statement.negated = True
    inverted = language == "de" and bool(before) and not nouns and not pronouns
    if any(word in _FIRST for word in pronouns):
        statement.subjects = [USER]
        if not final:
            statement.objects += [noun for noun in nouns if language == "de"]
    elif pronouns:
        statement.subjects = [noun for noun in nouns if not pronouns]
    elif nouns and language == "de" and not final and _inverted_self(after):
        statement.subjects = [USER]
        statement.objects += nouns
    elif nouns:
        statement.subjects = nouns
    elif inverted or (language == "de" and after[:1] and after[0].is_token("pron")):
        _inverted_subject(statement, after)
        if not statement.subjects and not any(p.is_token("pron") for p in after[:1]):
            statement.subjects = default
    else:
        statement.subjects = default


def _inverted_self(after: list[Phrase]) -> bool:
    return bool(after) and after[0].token is not None and after[0].token.low in _FIRST


def _inverted_subject(statement: Statement, after: list[Phrase]) -> None:
    for piece in after:
        if piece.is_token("pron") and piece.token:
            if piece.token.low in _FIRST:
                statement.subjects = [USER]
            return
        if piece.kind == "noun" and piece.noun:
            if piece.noun.proper or piece.noun.owner or piece.noun.kin:
                statement.subjects = [piece.noun]
                after.remove(piece)
            return


def _prep(word: str, language: Language) -> str:
    return PREPOSITIONS.get(word, word) if language == "de" else word


def _english_verbs(statement: Statement, first: Token, after: list[Phrase]) -> list[Phrase]:
    """Read the verb group and return what follows it."""
    chain = [first]
    i = 0
    while i < len(after):
        token = after[i].token
        if token is None:
            nothing = after[i].noun
            if nothing is not None and nothing.text.lower() == "longer" and nothing.negative:
                i += 1
                continue
            break
        if token.pos in ("adv", "neg", "reflexive") or token.low in ("no", "longer"):
            negating = token.pos == "neg" or token.low in _NEVER
            statement.negated = statement.negated or negating
        elif token.pos in ("verb", "modal", "to") and _joins(chain, token, after[i + 1 :]):
            chain.append(token)
        elif token.pos == "particle" and chain[-1].pos == "verb":
            chain.append(token)
        else:
            break
        i += 1
    verbs = [token for token in chain if token.pos in ("verb", "modal")]
    particle = "".join(f"_{t.low}" for t in chain if t.pos == "particle")
    main = verbs[-1]
    lemma = main.lemma.lower() + particle
    helpers = verbs[:-1]
    names = [token.lemma.lower() if token.pos == "verb" else token.low for token in helpers]
    statement.passive = main.form == "participle" and "be" in names[-1:]
    statement.participle = main.low if statement.passive else ""
    statement.verb, past = english_verbs().get(lemma, (lemma, main.low + particle))
    if main.form == "past" or (main.form == "participle" and "have" in names):
        statement.past = past
    if any(token.pos == "to" for token in chain) and names[:2] == ["be", "go"]:
        statement.prefix = "plans_to"
        return after[i:]
    for token, name in zip(helpers, names, strict=True):
        if token.pos == "modal":
            statement.prefix = _MODAL_EN.get(token.low, token.low)
        elif name not in ("be", "have", "do") or _is_have_to(chain, token):
            base, _ = english_verbs().get(name, (name, name))
            verb = "wants" if statement.prefix == "would" else third(base)
            if token.form == "past":
                verb = "used" if base == "use" else token.low
            statement.prefix = f"{verb}_to"
    return after[i:]


def _is_have_to(chain: list[Token], token: Token) -> bool:
    index = chain.index(token)
    return token.lemma.lower() == "have" and index + 1 < len(chain) and chain[index + 1].pos == "to"


def _joins(chain: list[Token], token: Token, after: list[Phrase]) -> bool:
    last = chain[-1]
    if token.pos == "to":
        return bool(after) and after[0].is_token("verb")
    if last.pos in ("modal", "to"):
        return True
    name = last.lemma.lower()
    if token.form in ("gerund", "participle"):
        return name in ("be", "have") and last.pos == "verb"
    return name == "do" and token.form == "base"


def _german_verbs(statement: Statement, first: Token, after: list[Phrase]) -> list[Phrase]:
    lemma = first.lemma.lower()
    used: list[Phrase] = []
    others = [p for p in after if p.is_token("verb") and p.token and not is_finite(p.token)]
    particles = [p for p in after if p.is_token("particle") and p.token]
    for piece in after:
        token = piece.token
        if token and (token.pos == "neg" or token.low in _NEVER):
            statement.negated = True
            used.append(piece)
    if others and others[-1].token:
        used += others
        main = others[-1].token.lemma.lower()
        participle = others[-1].token.form == "participle"
        if lemma in _MODAL_DE and not (lemma == "werden" and participle):
            statement.prefix = "wants_to" if "möcht" in first.low else _MODAL_DE[lemma]
        elif lemma == "sein" and participle and main not in _PERFECT_BE and not _moves(main):
            statement.passive = True
        statement.verb, past = german_verbs().get(main, (main, main))
        if participle and lemma in ("haben", "sein") and not statement.passive:
            statement.past = past
        if main in ("ziehen", "umziehen"):
            statement.verb, statement.past = "move", ""
    else:
        if particles and particles[-1].token:
            used.append(particles[-1])
            lemma = particles[-1].token.low + lemma
        if lemma == "sein":
            lemma = "be"
        elif lemma in ("ziehen", "umziehen"):
            lemma = "move"
        statement.verb, _ = german_verbs().get(lemma, (lemma, lemma))
        if "möcht" in first.low or lemma == "wollen":
            statement.verb = "want"
        elif lemma in ("müssen", "können", "dürfen", "sollen"):
            statement.prefix, statement.verb = _MODAL_DE[lemma], "go"
    return [piece for piece in after if piece not in used]


def _moves(main: str) -> bool:
    return main in ("aufstehen", "umziehen", "ziehen", "aufwachsen", "bleiben", "werden")


def _take_rest(statement: Statement, rest: list[Phrase], language: Language) -> None:
    tokens = [piece.token for piece in rest]
    i = 0
    last = ""  # the preposition that goes on over "and"
    while i < len(rest):
        piece, token = rest[i], tokens[i]
        if piece.kind == "time" and piece.noun:
            if piece.prep in ("since", "seit", "until", "bis"):
                statement.phrases.append((_prep(piece.prep, language), piece.noun))
            else:
                prep = _prep(piece.prep, language)
                statement.times.append(replace(piece.noun, owner="", head=prep or "when"))
        elif piece.kind == "prep" and piece.noun and not _compares(piece, rest[:i]):
            lead = "because_" if _follows(rest, i, "because") else ""
            last = lead + _prep(piece.prep, language)
            statement.phrases.append((last, piece.noun))
        elif piece.kind == "noun" and piece.noun and last and _joined(rest, i):
            statement.phrases.append((last, piece.noun))  # of spiders and snakes
        elif piece.kind == "noun" and piece.noun and not _says_little(rest, i):
            noun = piece.noun
            last = ""
            if noun.negative and not _after_but(rest, i):
                statement.negated = True
            statement.objects.append(noun)
        elif token and token.form == "gerund" and not _follows(rest, i, ","):
            run = [t for t in tokens[i:] if t is not None]
            activity = gerund_at(run, 0, language)
            if activity is not None:
                thing = (
                    rest[i + 1].noun if i + 1 < len(rest) and rest[i + 1].kind == "noun" else None
                )
                skip = activity[1] - 1
                noun = activity[0]
                if thing is not None and skip == 0:
                    noun, skip = replace(noun, text=f"{noun.text} {thing.text}"), 1
                statement.objects.append(noun)
                i += skip
        elif token and token.pos == "adj" and not statement.adjective:
            statement.adjective = token.low if language == "en" else token.lemma.lower()
        elif token and token.pos == "neg":
            statement.negated = True
        i += 1


def _joined(rest: list[Phrase], i: int) -> bool:
    before = rest[i - 1].token if i else None
    return before is not None and (before.pos == "conj" or before.text == ",")


def _follows(rest: list[Phrase], i: int, word: str) -> bool:
    before = rest[i - 1].token if i else None
    return before is not None and before.low == word


def _says_little(rest: list[Phrase], i: int) -> bool:
    """Tell "a bit" before "tired", and what is only compared with ("than coffee")."""
    noun = rest[i].noun
    return _follows(rest, i, "than") or (noun is not None and noun.text.lower() in ("bit", "lot"))


def _compares(piece: Phrase, before: list[Phrase]) -> bool:
    """Tell "lieber Tee als Kaffee" from "als Arzt arbeiten"."""
    lead = [p.token.low for p in before if p.token]
    return piece.prep == "als" and any(word in ("lieber", "mehr", "eher") for word in lead)


def _after_but(rest: list[Phrase], i: int) -> bool:
    before = rest[i - 1].token if i else None
    return before is not None and before.pos == "conj"


def _german_infinitive(word: str) -> bool:
    """Tell a German verb that the lists do not have; it stays as it is."""
    return len(word) > 5 and word.endswith(
        ("ieren", "tehen", "euen", "chten", "ssen", "gern", "nden", "lten", "tzen", "ühren", "eln")
    )


def third(verb: str) -> str:
    """Return the third person of an English verb; of "look_for" it is "looks_for"."""
    word, mark, rest = verb.partition("_")
    irregular = {"be": "is", "have": "has", "do": "does", "go": "goes"}
    if _german_infinitive(word):
        return verb
    if word in irregular:
        word = irregular[word]
    elif word.endswith(("s", "x", "z", "ch", "sh")):
        word += "es"
    elif word.endswith("y") and word[-2:-1] not in "aeiou":
        word = word[:-1] + "ies"
    elif word.isascii() and word.isalpha():
        word += "s"
    return word + mark + rest
