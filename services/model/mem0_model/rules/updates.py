"""Updates: what new facts mean for old memories."""

from mem0_model.rules.model import Decision, Memory


def decide(memories: list[Memory], facts: list[str]) -> list[Decision]:
    """Return one decision for every old memory and every new fact."""
    known = {memory.text.casefold() for memory in memories}
    decisions = [Decision(memory.id, memory.text, "NONE") for memory in memories]
    for fact in facts:
        if fact.casefold() not in known:
            decisions.append(Decision(str(len(decisions)), fact, "ADD"))
    return decisions
