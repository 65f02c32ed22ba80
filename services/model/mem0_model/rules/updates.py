"""Updates: what new facts mean for old memories.

A memory is replaced only by a fact that says the same and more, or that contradicts all it says;
it is deleted only when the user asks to forget it. Everything else is added: two memories that
overlap do less harm than one that is lost.
"""

import re
from dataclasses import dataclass
from functools import cached_property

from mem0_model.rules.clauses import tag_sentence
from mem0_model.rules.contradictions import is_negative, node, opposes
from mem0_model.rules.facts import FORGET, extract_facts
from mem0_model.rules.graph import relations_of, says_changed
from mem0_model.rules.model import Decision, Memory, Relation
from mem0_model.rules.tagging import Token, language_of
from mem0_model.rules.words import english_verbs

_USER = "user"
#: How other writers name the user in front of a fact.
_NAMED_USER = re.compile(r"^(?:the\s+)?user(?:'s)?\s+", re.IGNORECASE)
_EMPTY = frozenset(
    "a an the very really so also just quite currently i my ein eine einen einem einer der die das "
    "den dem sehr wirklich auch gerade aktuell ich mein meine".split()
)
#: A longer statement may go on with these after a shorter one.
_GOES_ON = frozenset(("prep", "conj", "sub", "punct", "rel", "to"))
_GOES_ON_WORDS = frozenset("named called namens every each who which that since because".split())


@dataclass(frozen=True)
class Reading:
    """A memory or fact, and what it says."""

    text: str

    @cached_property
    def tokens(self) -> list[Token]:
        """The words that carry the meaning, in order."""
        facts = extract_facts([_NAMED_USER.sub("", self.text)])
        text = facts[0] if len(facts) == 1 else self.text
        tokens = tag_sentence(text, language_of(text))
        return [t for t in tokens if (t.low not in _EMPTY and t.pos != "punct") or t.text == ","]

    @cached_property
    def words(self) -> list[str]:
        """`tokens` in one spelling: lemmas for verbs, "love" as "like"."""
        return [_word(token) for token in self.tokens]

    @cached_property
    def relations(self) -> list[Relation]:
        """What it says as relations, the user called `_USER`."""
        return relations_of(_NAMED_USER.sub("", self.text), _USER)

    @cached_property
    def changed(self) -> bool:
        """Whether it says that something is different now."""
        return says_changed(self.text)

    @cached_property
    def negative(self) -> bool:
        """Whether it denies something."""
        return any(t.pos == "neg" for t in self.tokens) or any(
            is_negative(relation.name) for relation in self.relations
        )


def decide(memories: list[Memory], facts: list[str]) -> list[Decision]:
    """Return one decision for every old memory, then the new ones.

    New memories get ids that follow the old ones.
    """
    readings = {memory.id: Reading(memory.text) for memory in memories}
    decisions = {memory.id: Decision(memory.id, memory.text, "NONE") for memory in memories}
    added: list[Reading] = []
    for fact in facts:
        if fact.startswith(FORGET):
            _forget(Reading(fact.removeprefix(FORGET)), readings, decisions)
            continue
        new = Reading(fact)
        untouched = {id_: old for id_, old in readings.items() if decisions[id_].event == "NONE"}
        if any(_says_all(old, new) for old in [*untouched.values(), *added]):
            continue
        target = next((id_ for id_, old in untouched.items() if _replaces(new, old)), None)
        if target is None:
            added.append(new)
            continue
        decisions[target] = Decision(target, fact, "UPDATE", untouched[target].text)
        for id_, old in untouched.items():
            # The same memory twice: one of them is the new fact now.
            if id_ != target and old.words == untouched[target].words:
                decisions[id_] = Decision(id_, old.text, "DELETE")
    first = max((int(m.id) for m in memories if m.id.isascii() and m.id.isdigit()), default=-1) + 1
    new_ones = [Decision(str(first + i), new.text, "ADD") for i, new in enumerate(added)]
    return [*decisions.values(), *new_ones]


def _forget(target: Reading, readings: dict[str, Reading], decisions: dict[str, Decision]) -> None:
    for id_, old in readings.items():
        if decisions[id_].event == "NONE" and _says_all(old, target):
            decisions[id_] = Decision(id_, old.text, "DELETE")


def _says_all(longer: Reading, shorter: Reading) -> bool:
    """Tell whether `longer` says all that `shorter` says, at its beginning."""
    if longer.words == shorter.words:
        return True
    size = len(shorter.words)
    if not size or longer.words[:size] != shorter.words or shorter.negative or longer.negative:
        return False
    following = longer.tokens[size]
    if following.pos in _GOES_ON or following.low in _GOES_ON_WORDS:
        return True
    return following.pos == "name" and shorter.tokens[-1].pos == "name"


def _replaces(new: Reading, old: Reading) -> bool:
    """Tell whether `new` makes `old` superfluous or untrue."""
    return _says_all(new, old) or _contradicts(new, old)


def _contradicts(new: Reading, old: Reading) -> bool:
    opposed = [
        r for r in old.relations if any(opposes(one, r, new.changed) for one in new.relations)
    ]
    return bool(opposed) and _says_only(old, opposed)


def _says_only(old: Reading, opposed: list[Relation]) -> bool:
    """Tell whether an old memory says nothing but the relations that are opposed, and when."""
    rest = [r for r in old.relations if r not in opposed and not r.name.endswith("when")]
    if rest:
        return False
    ends = {word for r in old.relations for end in (r.source, r.destination)
            for word in node(end).split("_")}  # fmt: skip
    content = [t for t in old.tokens if t.pos in ("noun", "name", "num")]
    names = {word for r in opposed for word in r.name.split("_")}
    return all(
        t.low in ends or t.low.rstrip(".") in ends or t.low in names or t.lemma.lower() in names
        or set(node(t.text).split("_")) <= ends
        for t in content
        if t.low not in _UNITS
    )  # fmt: skip


_UNITS = frozenset("year years jahr jahre name color colour uhr".split())


def _word(token: Token) -> str:
    low = token.low
    if token.pos in ("verb", "modal"):
        lemma = token.lemma.lower()
        return english_verbs().get(lemma, (lemma, ""))[0]
    return "not" if token.pos == "neg" else low
