"""Facts: what is kept of a message, and how it is worded."""

import pytest

from mem0_model.rules.facts import extract_facts


@pytest.mark.parametrize(
    "message",
    [
        "hi", "Hello!", "thanks", "Thank you very much.", "ok", "Danke!", "Guten Morgen!", "…",
        "  ", "How are you?", "what's the weather like", "Which animals do I have?",
        "Welche Tiere habe ich?", "Tell me a joke.", "Erzähl mir einen Witz.",
        "Hey, thanks, bye!", "?!",
    ],
)  # fmt: skip
def test_small_talk_questions_and_bare_requests_leave_no_facts(message: str) -> None:
    assert extract_facts([message]) == []


@pytest.mark.parametrize(
    ("message", "facts"),
    [
        ("I'm looking for a restaurant in San Francisco.",
         ["Looking for a restaurant in San Francisco"]),
        ("My wife and I are planning a trip.", ["My wife and I are planning a trip"]),
        ("My boss, Ms. Okafor, is nice.", ["Boss, Ms. Okafor, is nice"]),
        ("I'm allergic to cats but I have two anyway.",
         ["Is allergic to cats but I have two anyway"]),
        ("I keep bees and my sister Anna lives in Bonn.",
         ["Keeps bees", "Sister Anna lives in Bonn"]),
        ("I love fish but my wife hates it.", ["Loves fish but my wife hates it"]),
        ("i live in hamburg and have two kids", ["Lives in hamburg", "Has two kids"]),
        ("The doctor said I should eat less salt.", ["The doctor said I should eat less salt"]),
        ("I've been to Rome twice.", ["Has been to Rome twice"]),
        ("I haven't been to Rome.", ["Hasn't been to Rome"]),
        ("I'll call mom on Friday.", ["Will call mom on Friday"]),
        ("I never eat breakfast.", ["Never eats breakfast"]),
        ("I go to the gym twice a week.", ["Goes to the gym twice a week"]),
        ("I think I need new glasses.", ["Thinks I need new glasses"]),
        ("When I was a child I lived in Rome.", ["When I was a child I lived in Rome"]),
        ("Last year I bought a boat.", ["Last year bought a boat"]),
        ("By the way, I sold my car.", ["Sold my car"]),
        ("-5 degrees", ["-5 degrees"]),
        ("Remember: –5 °C", ["–5 °C"]),
        ("- -5 degrees\n- 5 eggs\n* +3 points", ["-5 degrees", "5 eggs", "+3 points"]),
        (">5 kg is too heavy", [">5 kg is too heavy"]),
        ("> Quoted by a mail program", ["Quoted by a mail program"]),
        ("-$5 fee", ["-$5 fee"]),
        ("--verbose is the flag", ["--verbose is the flag"]),
        ("-- milk --", ["Milk"]),
        ("My blood type is A-.", ["Blood type is A-"]),
        ("I keep bees - and I play chess -", ["Keeps bees", "Plays chess"]),
        ("Please remember that I park on level 3.", ["Parks on level 3"]),
        ("My doctor is Dr. Weber. I see him on Monday.",
         ["Doctor is Dr. Weber. Sees him on Monday"]),
        ("My sister is Clara. She lives in Bern.", ["Sister is Clara. She lives in Bern"]),
        ("The meeting is at 3 p.m. in room 4.", ["The meeting is at 3 p.m. in room 4"]),
        ("Version 2.5 is installed, see https://example.org/a?b=c for more.",
         ["Version 2.5 is installed, see https://example.org/a?b=c for more"]),
        ("Help me find a present for my wife Eva.", ["Help me find a present for my wife Eva"]),
        ("Ich freue mich auf den Urlaub.", ["Freut sich auf den Urlaub"]),
        ("Ich hab morgen einen Termin.", ["Hat morgen einen Termin"]),
        ("Bin Lehrer in Bremen.", ["Ist Lehrer in Bremen"]),
        ("Ich stehe um 6 Uhr auf.", ["Steht um 6 Uhr auf"]),
        ("Ich arbeite nachts.", ["Arbeitet nachts"]),
        ("Ich öffne den Laden um neun.", ["Öffnet den Laden um neun"]),
        ("Ich sammle Briefmarken.", ["Sammelt Briefmarken"]),
        ("Gestern war ich beim Zahnarzt.", ["War gestern beim Zahnarzt"]),
        ("Ich arbeitete früher bei der Post.", ["Arbeitete früher bei der Post"]),
        ("Ich weiß, dass Tom Fisch mag.", ["Weiß, dass Tom Fisch mag"]),
        ("Vergiss nicht, dass ich eine Katze habe.", ["Hat eine Katze"]),
    ],
)  # fmt: skip
def test_facts_are_worded_without_the_user_and_without_loss(message: str, facts: list[str]) -> None:
    assert extract_facts([message]) == facts


def test_what_stands_before_a_question_is_kept() -> None:
    assert extract_facts(["I'm allergic to nuts, what can I eat?"]) == ["Is allergic to nuts"]


def test_two_statements_about_the_user_become_two_facts() -> None:
    text = "I live in Bern and I work at the post office, but I grew up in Oslo."
    assert extract_facts([text]) == [
        "Lives in Bern",
        "Works at the post office",
        "Grew up in Oslo",
    ]


def test_a_statement_about_others_is_not_torn_apart() -> None:
    text = "Tom cooks and Lisa bakes because they love food"
    assert extract_facts([text]) == [text]


def test_lists_and_several_lines_give_one_fact_each() -> None:
    message = "- I play chess\n- I own a boat\n\n* My car is red"
    assert extract_facts([message]) == ["Plays chess", "Owns a boat", "Car is red"]


def test_the_same_fact_is_told_once() -> None:
    assert extract_facts(["I like tea. I like tea.", "I like tea!"]) == ["Likes tea"]


@pytest.mark.parametrize(
    ("message", "fact"),
    [
        ("Forget that I like tea.", "Forget: Likes tea"),
        ("Bitte vergiss, dass ich Tee mag.", "Forget: Mag Tee"),
        ("Please delete the memory that my dog is called Rex.", "Forget: Dog is called Rex"),
    ],
)
def test_a_wish_to_forget_is_marked(message: str, fact: str) -> None:
    assert extract_facts([message]) == [fact]


def test_forgetting_something_in_daily_life_is_an_ordinary_fact() -> None:
    assert extract_facts(["I always forget my keys."]) == ["Always forgets my keys"]
