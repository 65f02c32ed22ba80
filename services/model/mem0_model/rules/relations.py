"""Statements to relations and named things: the edges and nodes of the graph."""

import re
import unicodedata
from dataclasses import dataclass, field

from mem0_model.rules.model import Relation
from mem0_model.rules.phrases import Noun
from mem0_model.rules.statements import USER, Statement, third
from mem0_model.rules.words import attributes

#: A relationship type goes unquoted into a Cypher query.
LONGEST_NAME = 60
_CALLED = frozenset("call name title nickname baptize".split())
_WORK = frozenset(("work", "arbeiten"))
_AT_WORK = frozenset("at for with by".split())
_INSIDE = frozenset("in on near at under behind next_to inside".split())
_GIVEN_UP = frozenset(("stop",))
_ADJECTIVES = {"allergisch": "allergic", "verheiratet": "married"}
_DAYS = frozenset(("birthday", "anniversary", "wedding_anniversary"))
_BEAR = frozenset("stand bear ausstehen leiden ertragen".split())


def relation_name(*parts: str) -> str:
    """Return `parts` as one relation name: ASCII, snake case, begins with a letter."""
    text = "_".join(part for part in parts if part).lower()
    text = text.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue").replace("ß", "ss")
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    text = re.sub(r"[^a-z0-9]+", "_", text).strip("_")[:LONGEST_NAME].strip("_")
    return text if text[:1].isalpha() else f"relates_to_{text}".strip("_")


@dataclass(slots=True)
class Found:
    """What one text says: relations in order, and hints at what its things are."""

    user: str
    relations: list[Relation] = field(default_factory=list)
    hints: dict[str, str] = field(default_factory=dict)

    def add(self, source: str, name: str, destination: str) -> None:
        """Note a relation once."""
        relation = Relation(source, name, destination)
        if source and destination and source != destination and relation not in self.relations:
            self.relations.append(relation)

    def hint(self, thing: str, kind: str) -> None:
        """Note what a thing is, if nothing is known of it yet."""
        if kind:
            self.hints.setdefault(thing.lower(), kind)


def relate(statement: Statement, found: Found) -> None:
    """Add the relations of one statement to `found`."""
    for noun in statement.subjects:
        for source in _resolve_subject(noun, statement, found):
            _of_subject(source, noun, statement, found)
    if not statement.subjects or not statement.asserted:
        for noun in [*statement.objects, *(n for _, n in statement.phrases)]:
            _introduce(noun, found)


def _resolve_subject(noun: Noun, statement: Statement, found: Found) -> list[str]:
    if noun is USER:
        return [found.user]
    if noun.owner not in ("", "user"):
        found.hint(noun.owner, "person")
    owner = found.user if noun.owner == "user" or _own_in_a_fact(noun) else noun.owner
    for name in noun.names:
        _name(noun, name, owner or found.user, found)
    if noun.names:
        return list(noun.names)
    if _is_attribute(noun, statement):
        return [noun.text]
    if owner and not noun.proper:
        found.add(owner, "has", noun.text)
    return [noun.text]


def _own_in_a_fact(noun: Noun) -> bool:
    """Tell "Passport expires" and "Sister Anna lives", where a fact has dropped the "my"."""
    if noun.owner or noun.indefinite or noun.definite or noun.proper:
        return False
    if noun.kin or noun.names or noun.head in ("parent", "eltern", "child", "kid", "kind"):
        return True
    return noun.bare and noun.common_kind not in ("food", "language", "activity", "health")


def _is_attribute(noun: Noun, statement: Statement) -> bool:
    return bool(_attribute(noun)) and _is_copula(statement)


def _is_copula(statement: Statement) -> bool:
    called = statement.passive and statement.verb in _CALLED
    return statement.verb in ("be", "heißen") or called


def _attribute(noun: Noun) -> str:
    """Return the relation of "my <noun> is ...", or "" ("the password" is nobody's)."""
    if noun.definite and not noun.owner:
        return ""
    low = noun.text.lower()
    for group in ("single", "many"):
        if low in attributes(group):
            return relation_name(attributes(group)[low])
    words = low.replace("favorite", "favourite").split()
    if words[0] == "favourite" and len(words) > 1:
        return relation_name(*words)
    for lead in ("lieblings", "lieblings-"):
        if low.startswith(lead) and len(low) > len(lead) + 2:
            return relation_name("favourite", low[len(lead) :])
    if noun.owner == "user" and words[-1] in attributes("single"):
        return relation_name(*words)
    if noun.owner == "user" and words[0] in ("best", "beste", "bester") and noun.kin:
        return relation_name(*words)
    return ""


def _name(noun: Noun, name: str, owner: str, found: Found) -> None:
    """Note that `name` is the name of what `noun` says, for its owner."""
    if noun.kin:
        found.add(owner, relation_name(noun.kin), name)
        found.hint(name, "person")
        return
    kind = noun.common_kind
    found.add(owner, "has", name)
    found.add(name, "is_a", noun.text)
    found.hint(name, kind)


def _of_subject(source: str, noun: Noun, statement: Statement, found: Found) -> None:
    for prep, thing in statement.of_subject:
        _relate_all(source, relation_name(prep), thing, found)
    if not statement.asserted:
        return
    if _is_copula(statement):
        _copula(source, noun, statement, found)
    else:
        _action(source, statement, found)


def _targets(noun: Noun, owner: str, found: Found) -> list[str]:
    """Return what stands for `noun` in the graph, after noting what it introduces."""
    if noun.activity:
        found.hint(noun.text, "activity")
    if noun.names:
        for name in noun.names:
            if noun.kin:
                found.add(owner, relation_name(noun.kin), name)
                found.hint(name, "person")
            else:
                found.add(name, "is_a", noun.text)
                found.hint(name, noun.common_kind)
        return list(noun.names)
    return [noun.text]


def _introduce(noun: Noun, found: Found) -> None:
    if noun.owner == "user" and not noun.proper:
        for name in noun.names:
            _name(noun, name, found.user, found)


def _relate_all(source: str, relation: str, noun: Noun, found: Found) -> None:
    for target in _targets(noun, found.user, found):
        found.add(source, relation, target)


def _copula(source: str, noun: Noun, statement: Statement, found: Found) -> None:
    deny = "is_not" if statement.negated else "is"
    if statement.ceased:
        deny = "is_no_longer"
    values = statement.objects
    naming = statement.verb == "heißen" or statement.passive
    attribute = _attribute(noun) if noun is not USER else ""
    if attribute and not statement.negated:
        owner = found.user if noun.owner in ("", "user") else noun.owner
        _attribute_values(owner, attribute, noun, statement, found)
        return
    if naming:
        for value in values:
            if noun is USER:
                found.add(source, "name", value.text)
                found.hint(value.text, "person")
            else:
                found.relations[:] = [
                    r for r in found.relations if r != Relation(found.user, "has", noun.text)
                ]
                _name(noun, value.text, found.user, found)
        return
    if _age(source, statement, found):
        return
    if noun.kin and noun.owner and not noun.names and len(values) == 1 and values[0].proper:
        found.relations[:] = [
            r for r in found.relations if r != Relation(found.user, "has", noun.text)
        ]
        _name(noun, values[0].text, found.user, found)
        return
    if not values and statement.adjective:
        _adjective(source, deny, statement, found)
    for value in values:
        _is_value(source, deny, value, found)
    anchor = values[-1] if values else None
    for prep, thing in statement.phrases:
        if not values and statement.adjective:
            break
        if anchor is not None and anchor.common_kind == "profession" and prep in _AT_WORK:
            _relate_all(source, "works_at", thing, found)
        elif anchor is not None:
            _relate_all(anchor.text, relation_name(prep), thing, found)
        else:
            verb = prep if deny == "is" else f"{deny}_{prep}"
            _relate_all(source, relation_name(verb), thing, found)
    if statement.adjective and not values:
        return
    told = values or [thing for _, thing in statement.phrases]
    for time in statement.times:
        found.add(told[-1].text if told else source, "when", time.text)


def _attribute_values(
    owner: str, attribute: str, noun: Noun, statement: Statement, found: Found
) -> None:
    kind = noun.common_kind if attribute.startswith("favourite") else ""
    if noun.owner_kin and attribute == "name":
        owner, attribute = found.user, relation_name(noun.owner_kin)
        kind = "person"
    for value in statement.objects or [thing for _, thing in statement.phrases]:
        found.add(owner, attribute, value.text)
        if attribute == "name" or noun.kin or attributes("kin").get(attribute):
            found.hint(value.text, "person")
        found.hint(value.text, kind)
    if statement.adjective and not statement.objects:
        found.add(owner, attribute, statement.adjective)
    for time in statement.times:
        found.add(owner, attribute, time.text)


def _age(source: str, statement: Statement, found: Found) -> bool:
    measure = next((v for v in statement.objects if v.number), None)
    old = statement.adjective in ("old", "alt")
    if measure is None or not (old or measure.head in ("year", "jahr")):
        return False
    found.add(source, "age", measure.text)
    return True


def _adjective(source: str, deny: str, statement: Statement, found: Found) -> None:
    negative = "not_" if statement.negated else ""
    adjective = _ADJECTIVES.get(statement.adjective, statement.adjective)
    fixed = {"allergic": "to", "married": "to"}.get(adjective)
    if statement.phrases:
        first = statement.phrases[0][0]
        for prep, thing in statement.phrases:
            if prep != first:
                _relate_all(source, relation_name(prep), thing, found)
                continue
            _relate_all(source, relation_name(negative + adjective, fixed or prep), thing, found)
            found.hint(thing.text, "person" if adjective == "married" else "")
    else:
        found.add(source, deny, statement.adjective)


def _is_value(source: str, deny: str, value: Noun, found: Found) -> None:
    owner = found.user if value.owner == "user" else value.owner
    low = value.text.lower()
    best = low.split()[0] in ("best", "beste", "bester") if low else False
    if owner and (value.kin or best) and deny == "is":
        found.add(owner, relation_name(*low.split()) if best else relation_name(value.kin), source)
        found.hint(source, "person")
        return
    for target in _targets(value, found.user, found):
        if value.common_kind == "profession" and deny == "is":
            found.add(source, "works_as", target)
        elif value.common_kind == "health" and not value.indefinite:
            found.add(source, deny, target)
        elif value.indefinite:
            found.add(source, f"{deny}_a", target)
        else:
            found.add(source, deny, target)


def _verb_name(statement: Statement) -> str:
    verb = statement.verb
    bear = statement.prefix == "can" and statement.negated and verb in _BEAR
    if bear or (verb in _BEAR and statement.negated):
        return "dislikes"
    if verb == "like" and statement.negated and not statement.prefix and not statement.ceased:
        return "dislikes"
    if statement.ceased:
        return f"no_longer_{third(verb)}"
    if statement.prefix:
        if statement.negated:
            denied = {"can": "cannot"}.get(statement.prefix, f"not_{statement.prefix}")
            return f"{denied}_{verb}"
        return f"{statement.prefix}_{verb}"
    if statement.negated:
        return f"{'did' if statement.past else 'does'}_not_{verb}"
    return statement.past or third(verb)


def _action(source: str, statement: Statement, found: Found) -> None:
    name = _verb_name(statement)
    if statement.passive:
        name = statement.past or name
        _passive(source, statement, found)
        return
    if statement.verb == "move" and not statement.prefix and not statement.negated:
        name = "lives"
    if statement.verb == "want" and not statement.prefix:
        name = "wants"
    if statement.verb == "have" and statement.times and not statement.negated:
        days = [noun for noun in statement.objects if _attribute(noun) in _DAYS]
        for noun in days:
            found.add(source, _attribute(noun), statement.times[0].text)
        if days:
            return
    targets = _objects(source, name, statement, found)
    if targets and statement.verb not in _WORK and statement.verb != "study":
        for prep, thing in statement.phrases:
            _relate_all(targets[-1], relation_name(prep), thing, found)
        for time in statement.times:
            found.add(targets[-1], "when", time.text)
        return
    anchor: Noun | None = None
    for said, thing in statement.phrases:
        prep = said
        place = anchor is not None and anchor.common_kind in ("organization", "place")
        place = place or (anchor is not None and anchor.proper)
        if anchor is not None and place and prep in _INSIDE:
            _relate_all(anchor.text, relation_name(prep), thing, found)
            continue
        if statement.verb in _WORK and prep in _AT_WORK:
            found.hint(thing.text, "organization")
            prep = "at"
        if name == "lives" and prep in ("to", "in", "into"):
            prep = "in"
            found.hint(thing.text, "place")
        verb = "moved" if statement.verb == "move" and prep == "from" else name
        _relate_all(source, relation_name(verb, prep), thing, found)
        anchor = thing if prep not in ("as", "with") else None
    for time in statement.times:
        found.add(source, relation_name(name, "when"), time.text)


def _objects(source: str, name: str, statement: Statement, found: Found) -> list[str]:
    targets: list[str] = []
    for noun in statement.objects:
        relation = name
        if noun.negative and not statement.negated:
            relation = f"does_not_{statement.verb}"
        if noun.kin and noun.names and statement.verb == "have":
            _targets(noun, source, found)
            targets += noun.names
            continue
        for target in _targets(noun, source if noun.kin else found.user, found):
            found.add(source, relation_name(relation), target)
            targets.append(target)
    return targets


def _passive(source: str, statement: Statement, found: Found) -> None:
    verb = {"gebären": "born", "heiraten": "married"}.get(statement.verb, statement.verb)
    verb = statement.participle or verb
    if statement.negated:
        verb = f"not_{verb}"
    for noun in statement.objects:
        _relate_all(source, relation_name(verb), noun, found)
    for prep, thing in statement.phrases:
        if verb == "married":
            found.hint(thing.text, "person")
        _relate_all(source, relation_name(verb, prep), thing, found)
    for time in statement.times:
        prep = time.head if time.head in ("on", "in", "at") else "on"
        found.add(source, relation_name(verb, prep), time.text)
