"""Facts: what of a message is worth remembering, one statement each."""

import re

_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")
_SMALL_TALK = re.compile(
    r"\s*(hi|hello|hey|thanks|thank you|ok|okay|yes|no|hallo|danke|ja|nein|bye)[\s,.!]*$", re.I
)


def extract_facts(messages: list[str]) -> list[str]:
    """Return the facts of `messages` in their order, without repetition."""
    facts: dict[str, None] = {}
    for message in messages:
        for sentence in _SENTENCE.findall(message):
            text = sentence.strip()
            if text.endswith("?") or _SMALL_TALK.match(text) or not re.search(r"\w", text):
                continue
            text = re.sub(r"^(I|Ich)\s+", "", text.rstrip(".!"))
            facts[text[:1].upper() + text[1:]] = None
    return list(facts)
