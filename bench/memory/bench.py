"""The memory server beside upstream's: `./mem0 bench memory` prepares what this needs and runs it."""

from __future__ import annotations

import argparse
import asyncio
import functools
import itertools
import random
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scale import Figures, curve
from servers import Client, Load, Reply, Target, load, ours, upstream
from tests.stores.stack import Stores

CLIENTS = 16
USERS = 20
SEED = 5
RESIDENT_GOAL_MIB = 300
KEPT = 200
"""Memories of the mixed load that live at a time before the oldest is deleted."""
SAMPLES = 12

PEOPLE = ("Anna", "Bob", "Clara", "David", "Emma", "Felix", "Greta", "Henry")
THINGS = ("chess", "the cello", "tennis", "the piano", "football", "the guitar", "poker", "the violin")
PLACES = ("Berlin", "Paris", "Lisbon", "Oslo", "Vienna", "Madrid", "Dublin", "Rome")
TASTES = ("tea", "coffee", "red wine", "cheese", "sushi", "olives", "dark chocolate", "mangoes")
SENTENCES = [
    text
    for a, b, c, d in zip(PEOPLE, THINGS, PLACES, TASTES, strict=True)
    for text in (f"I play {b} with {a}.", f"My friend {a} lives in {c}.", f"I like {d}.", f"I was in {c} last year.")
]


def say(text: str) -> None:
    """Progress, beside the table."""
    print(text, file=sys.stderr, flush=True)


def questions() -> Iterator[str]:
    """Questions of which none comes twice: no server may answer from what it remembers of an earlier one.

    There are over a million: an hour of load asks some fifty thousand.
    """
    rng = random.Random(SEED)
    asked: set[str] = set()
    while True:
        person, thing, place, year = (rng.choice(words) for words in (PEOPLE, THINGS, PLACES, range(1000, 10_000)))
        forms = (
            f"Did {person} play {thing} in {year}?",
            f"Was {person} in {place} in {year}?",
            f"What did I eat in {place} in {year}?",
            f"Where did I play {thing} in {year}?",
        )
        if (text := rng.choice(forms)) not in asked:
            asked.add(text)
            yield text


QUESTIONS = questions()


async def search(client: Client, n: int) -> Reply:
    """One question of one user."""
    return await client.ask("/search", {"query": next(QUESTIONS), "user_id": f"user{n % USERS}", "limit": 10})


async def add(client: Client, n: int, run: str, *, infer: bool = False) -> Reply:
    """One sentence, by default kept as it is."""
    text = f"{SENTENCES[n % len(SENTENCES)]} ({run} {n})"
    body = {"messages": [{"role": "user", "content": text}], "user_id": f"writer{n % USERS}", "infer": infer}
    return await client.ask("/memories", body)


class Mixed:
    """What a day brings: mostly searching; some adding, every eighth inferred; listing; deleting what was added."""

    def __init__(self) -> None:
        self._added: deque[str] = deque()

    async def __call__(self, client: Client, n: int) -> Reply:
        """The request with this number."""
        match n % 10:
            case 0 | 5:
                reply = await add(client, n, "mixed", infer=n % 40 == 0)
                if reply.good:
                    self._added.extend(item["id"] for item in reply.json()["results"] if item["event"] == "ADD")
                return reply
            case 3:
                return await client.ask(f"/memories?user_id={'user' if n % 20 == 3 else 'writer'}{n % USERS}")
            case 7 if len(self._added) > KEPT:
                return await client.ask(f"/memories/{self._added.popleft()}", method="DELETE")
            case _:
                return await search(client, n)


async def prepare(target: Target) -> None:
    """The same memories and relations for both: told to ours with inference, which fills table and graph."""
    rng = random.Random(SEED)
    with target.client() as client:
        for user, text in itertools.product(range(USERS), rng.sample(SENTENCES, 12)):
            reply = await client.ask("/memories", {"messages": text, "user_id": f"user{user}"})
            if not reply.good:
                raise RuntimeError(f"{reply.status}: {reply.body[:200]!r}")


def compare(servers: list[Any], model: str, stores: Stores, seconds: float, rounds: int) -> dict[str, dict[str, Load]]:
    """Load each in turn, several times over: whatever else the machine does hits both."""
    found: dict[str, dict[str, Load]] = {}
    for number in range(rounds):
        for start in servers:
            with start(stores, model) as target:
                if number == 0 and target.name == "ours":
                    say("telling both the same ...")
                    asyncio.run(prepare(target))
                for what, ask in (("search", search), ("add", functools.partial(add, run=f"{target.name} {number}"))):
                    say(f"round {number + 1}: {CLIENTS} clients {what}, {target.name}, {seconds:g} s ...")
                    asyncio.run(load(target, CLIENTS, min(seconds, 5), ask))  # warm: pools, plans, caches
                    made = asyncio.run(load(target, CLIENTS, seconds, ask))
                    kinds = found.setdefault(target.name, {})
                    kinds[what] = kinds[what] + made if what in kinds else made
    return found


@dataclass
class Soaked:
    """What the mixed load found. `resident` are MiB of the server's process over time, the last after the load."""

    made: Load
    resident: list[float]


def soak(start: Any, model: str, stores: Stores, seconds: float, rate: float) -> Soaked:
    """Resident memory of our server under a mixed load and after it."""
    with start(stores, model) as target:
        say("telling it something ...")
        asyncio.run(prepare(target))
        say(f"mixed load for {seconds:g} s ...")
        resident = [target.resident_mib]

        async def sample() -> None:
            for number in range(1, SAMPLES + 1):
                await asyncio.sleep(seconds / SAMPLES)
                resident.append(target.resident_mib)
                say(f"  {number * seconds / SAMPLES:.0f} s: {resident[-1]:.0f} MiB")

        async def both() -> Load:
            made, _ = await asyncio.gather(load(target, CLIENTS, seconds, Mixed(), rate), sample())
            return made

        made = asyncio.run(both())
        return Soaked(made, [*resident, target.resident_mib])


def table(head: list[str], rows: list[list[str]]) -> str:
    """Columns as wide as their content."""
    widths = [max(len(row[n]) for row in [head, *rows]) for n in range(len(head))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
                     for row in [head, *rows])  # fmt: skip


def judged(value: float, goal: float, *, most: bool) -> str:
    """Whether a goal is met."""
    return "met" if (value <= goal if most else value >= goal) else "MISSED"


def report(loads: dict[str, dict[str, Load]], lines: dict[int, dict[str, Figures]], soaked: Soaked | None) -> bool:
    """Print everything; whether all goals are met."""
    verdicts: list[list[str]] = []
    if loads:
        rows = [
            [f"{what}, {name}", f"{made.per_second:.1f}", f"{made.at(0.5):.0f}", f"{made.at(0.95):.0f}",
             str(len(made.seconds)), str(made.failed)]
            for what in ("search", "add") for name, made in ((n, loads[n][what]) for n in ("ours", "upstream"))
        ]  # fmt: skip
        print(table([f"{CLIENTS} clients", "per second", "p50, ms", "p95, ms", "answers", "failed"], rows), "\n")
        us, them = loads["ours"], loads["upstream"]
        for what, goal in (("search", 2.0), ("add", 1.5)):
            ratio = us[what].per_second / them[what].per_second
            verdicts.append([f"{what}: throughput, ours / upstream", f"{ratio:.2f}", f">= {goal:g}",
                             judged(ratio, goal, most=False)])  # fmt: skip
        ratio = us["search"].at(0.95) / them["search"].at(0.95)
        verdicts.append(["search: p95, ours / upstream", f"{ratio:.2f}", "<= 0.5", judged(ratio, 0.5, most=True)])
    if lines:
        rows = [
            [f"{size:,}", *(cell for name in ("ours", "upstream") for cell in (
                f"{at[name].p50:.1f}", f"{at[name].p95:.1f}", f"{at[name].recall:.3f}"))]
            for size, at in lines.items()
        ]  # fmt: skip
        head = ["memories of the user", *(f"{name}: {what}" for name in ("ours", "upstream")
                                          for what in ("p50, ms", "p95, ms", "recall@10"))]  # fmt: skip
        print(table(head, rows), "\n")
        last = lines[max(lines)]["ours"]
        worst = min(at["ours"].recall for at in lines.values())
        verdicts.append([f"search among {max(lines):,}: p95 without the model", f"{last.p95:.1f} ms", "<= 100 ms",
                         judged(last.p95, 100, most=True)])  # fmt: skip
        verdicts.append(["recall@10, worst size", f"{worst:.3f}", ">= 0.98", judged(worst, 0.98, most=False)])
    if soaked:
        made, after = soaked.made, soaked.resident[-1]
        rows = [[f"{made.took:.0f}", str(len(made.seconds)), f"{made.per_second:.1f}", str(made.failed),
                 f"{made.at(0.5):.0f}", f"{made.at(0.95):.0f}", f"{soaked.resident[0]:.0f}",
                 f"{max(soaked.resident):.0f}", f"{after:.0f}"]]  # fmt: skip
        head = ["mixed load, s", "requests", "per second", "failed", "p50, ms", "p95, ms", "MiB before", "most",
                "after"]  # fmt: skip
        print(table(head, rows), "\n")
        verdicts.append(["resident memory after the mixed load", f"{after:.0f} MiB", f"<= {RESIDENT_GOAL_MIB} MiB",
                         judged(after, RESIDENT_GOAL_MIB, most=True)])  # fmt: skip
    print(table(["measure", "result", "goal", ""], verdicts))
    return all(row[3] == "met" for row in verdicts)


def main() -> int:
    """Everything in one run, on stores of its own that are gone afterwards."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=60, help="of each load (default 60)")
    options.add_argument("--rounds", type=int, default=2, help="of ours and upstream in turn (default 2)")
    options.add_argument("--sizes", default="1000,10000,100000", help="of the curve (default 1000,10000,100000)")
    options.add_argument("--soak", type=float, default=3600, help="seconds of the load before memory is read")
    options.add_argument(
        "--rate", type=float, default=20, help="requests a second of that load, 0 for all it can (default 20)"
    )
    options.add_argument("--only", choices=["load", "curve", "soak"], help="one part")
    given = options.parse_args()

    def wanted(part: str) -> bool:
        return given.only in {None, part}

    with tempfile.TemporaryDirectory(prefix="mem0-bench-") as text:
        directory = Path(text)
        starts = [
            lambda stores, model: ours(stores, directory / "ours", model),
            lambda stores, model: upstream(stores, directory / "upstream", model),
        ]
        stores = Stores(directory)
        try:
            began = time.monotonic()
            say("starting Postgres, Neo4j and the model ...")
            stores.start()
            stores.wait()
            model = f"http://127.0.0.1:{stores.ports['model']}/v1"
            loads = compare(starts, model, stores, given.seconds, given.rounds) if wanted("load") else {}
            soaked = soak(starts[0], model, stores, given.soak, given.rate) if wanted("soak") else None
            lines = {}
            if wanted("curve"):
                with starts[0](stores, model):  # makes the tables, should nothing have made them yet
                    pass
                lines = curve(stores, [int(size) for size in given.sizes.split(",")], starts, say)
        finally:
            stores.close()
        good = report(loads, lines, soaked)
        print(f"seeds {SEED} (load), 11 (curve); {time.monotonic() - began:.0f} s in all")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
