"""Which relation contradicts which: the same for memories and for the graph.

Deleting what is still true is the worst that a memory can do, so only two things count: another
value of what can have but one, and the denial of the very same thing.
"""

from mem0_model.rules.model import Relation
from mem0_model.rules.words import attributes, places

#: Relations that one has to one at a time.
_SINGLE = frozenset("age married_to born_on born_in wife husband spouse mother father".split())
#: These change only when the text says so ("now", "moved"): two jobs are possible.
_ON_CUE = frozenset("works_at works_as drives studies studies_at".split())
_OPPOSITES = (("likes", "dislikes"), ("is", "is_not"), ("is_a", "is_not_a"))
_NEGATIVE = ("does_not_", "no_longer_", "cannot_", "is_no_longer", "is_not", "did_not_")


def node(name: str) -> str:
    """Return a node's name as mem0 writes it."""
    return name.lower().replace(" ", "_")


def is_negative(relation: str) -> bool:
    """Tell whether a relation denies something."""
    return relation == "dislikes" or relation.startswith(_NEGATIVE)


def is_single(relation: str) -> bool:
    """Tell whether a relation has one value at a time."""
    if relation in _SINGLE:
        return True
    if relation.startswith("favourite_"):
        return not relation.endswith("s")
    words = relation.replace("_", " ")
    return words in attributes("single").values()


def opposes(new: Relation, old: Relation, cue: bool) -> bool:
    """Tell whether `new` being true makes `old` untrue.

    `cue`: the text says that something has changed.
    """
    if node(new.source) != node(old.source):
        return False
    same_end = node(new.destination) == node(old.destination)
    if new.name == old.name:
        if same_end:
            return False
        if is_single(new.name) or (cue and new.name in _ON_CUE):
            return not _part_of(new.destination, old.destination)
        return new.name == "lives_in" and _other_home(new.destination, old.destination, cue)
    return same_end and _denies(new.name, old.name)


def _part_of(new: str, old: str) -> bool:
    """Tell "Anna" and "Anna Schmidt" from "Anna" and "Tom"."""
    a, b = set(node(new).split("_")), set(node(old).split("_"))
    return a <= b or b <= a


def _other_home(new: str, old: str, cue: bool) -> bool:
    a, b = (name.lower().replace("_", " ") for name in (new, old))
    if a in places("country") or b in places("country"):
        return a in places("country") and b in places("country")
    if a in places("city") and b in places("city"):
        return True
    # "a small flat" and "Berlin" are one home; two unknown names may be town and district.
    return cue and (b in places("city") or a in places("city")) and " " not in a + b


def _denies(new: str, old: str) -> bool:
    for one, other in _OPPOSITES:
        if (new, old) in ((one, other), (other, one)):
            return True
    denied_by_new, denied_by_old = _bare(new), _bare(old)
    if (denied_by_new is None) == (denied_by_old is None):
        return False
    return _stem(denied_by_new or new) == _stem(denied_by_old or old)


def _bare(name: str) -> str | None:
    """Return what a denying relation denies, None for one that denies nothing."""
    for lead in ("does_not_", "no_longer_", "cannot_", "is_no_longer_"):
        if name.startswith(lead):
            return name[len(lead) :]
    return {"is_no_longer": "is", "is_not": "is"}.get(name)


def _stem(name: str) -> str:
    """Return a verb's relation without the ending of its third person: "works_at", "work_at"."""
    word, mark, rest = name.partition("_")
    if word.endswith("ies"):
        word = word[:-3] + "y"
    elif word.endswith(("ches", "shes", "xes", "zes", "sses", "oes")):
        word = word[:-2]
    elif word.endswith("s") and word not in ("is",):
        word = {"has": "have"}.get(word, word[:-1])
    if word == "can" and mark:
        word, _, rest = rest.partition("_")
        mark = "_" if rest else ""
    return word + mark + rest
