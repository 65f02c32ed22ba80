import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Properties, UNKNOWN, type Value } from "../../../../toolchain/plugins/protocol/value.ts";
import { checkInputs } from "../../../../toolchain/plugins/schema/check.ts";
import { changesOf, same } from "../../../../toolchain/plugins/schema/compare.ts";
import {
  duration,
  flag,
  integer,
  json,
  type Kind,
  list,
  map,
  oneOf,
  record,
  refused,
  replaced,
  type Schema,
  set,
  text,
  updated,
} from "../../../../toolchain/plugins/schema/schema.ts";
import {
  importedInputs,
  plannedState,
  refreshedInputs,
  stateOf,
} from "../../../../toolchain/plugins/schema/state.ts";

const SCHEMA: Schema = {
  name: replaced(text(), { required: true }),
  policy: updated(oneOf("no", "always"), { default: "no" }),
  size: updated(integer(0), { absent: 0 }),
  words: replaced(list(text()), { computed: true }),
  tags: replaced(set(text()), { absent: null }),
  options: replaced(map(text())),
  parts: replaced(
    set(
      record({
        id: { kind: integer(), required: true },
        kind: { kind: text(), default: "plain" },
        port: { kind: integer(), computed: true },
        rare: { kind: text(), unimplemented: true },
      }),
    ),
  ),
  on: updated(flag(), { absent: false }),
  never: updated(flag(), { absent: false, only: false }),
  foreign: refused(null),
  secretly: refused(),
};

const check = (inputs: Properties) => checkInputs(SCHEMA, inputs, "test Thing");
const reasons = (inputs: Properties) => check(inputs).failures.map(({ reason }) => reason);

describe("checking inputs", () => {
  test("fills in defaults, also inside of lists, and leaves out what is null", () => {
    expect(check({ name: "n", size: null, parts: [{ id: 1 }] })).toEqual({
      inputs: { name: "n", policy: "no", parts: [{ id: 1, kind: "plain" }] },
      failures: [],
    });
  });

  test("reports every mistake with its place", () => {
    const inputs = {
      policy: "perhaps",
      size: -1,
      words: "one",
      tags: [1],
      options: ["x"],
      parts: [{ kind: 3, rare: "r", extra: 1 }, 7],
      on: "yes",
      never: true,
      foreign: "f",
      colour: "red",
    };
    expect(reasons(inputs)).toEqual([
      '"policy": must be one of no, always.',
      '"size": must be 0 or more.',
      '"words": must be a list.',
      '"tags[0]": must be a string.',
      '"options": must be a map.',
      '"parts[0].kind": must be a string.',
      '"parts[0].rare": not implemented by this stand-in for the official plugin (test Thing).',
      '"parts[0].extra": test Thing has no such property.',
      '"parts[0].id": required, but not given.',
      '"parts[1]": must be an object.',
      '"on": must be true or false.',
      '"never": only false is implemented by this stand-in (test Thing).',
      '"foreign": not implemented by this stand-in for the official plugin (test Thing).',
      '"colour": test Thing has no such property.',
      '"name": required, but not given.',
    ]);
  });

  test("takes what is not known yet anywhere", () => {
    const unknown = Object.fromEntries(
      ["name", "policy", "size", "words", "never"].map((name) => [name, UNKNOWN]),
    );
    expect(reasons({ ...unknown, parts: [{ id: UNKNOWN }] })).toEqual([]);
  });

  test("refuses the name of a property that every object has", () => {
    expect(reasons({ name: "n", constructor: "x" })).toEqual([
      '"constructor": test Thing has no such property.',
    ]);
  });

  test("passes over the notes of an official plugin", () => {
    expect(check({ name: "n", __defaults: [] })).toMatchObject({ inputs: { name: "n" }, failures: [] });
  });
});

const anyJson: fc.Arbitrary<Value> = fc.jsonValue({ maxDepth: 3 }).map((value) => value as Value);

describe("comparing", () => {
  test("any value is the same as itself", () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        expect(same({ type: "anything" }, value, value)).toBe(true);
      }),
    );
  });

  test("a set is the same in any order, a list is not", () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.nat(), (words, seed) => {
        const shuffled = [...words].sort((a, b) => hash(a + seed) - hash(b + seed));
        expect(same(set(text()), words, shuffled)).toBe(true);
      }),
    );
    expect(same(list(text()), ["a", "b"], ["b", "a"])).toBe(false);
  });

  test("a set tells apart how often an element occurs", () => {
    expect(same(set(text()), ["a", "a", "b"], ["a", "b", "b"])).toBe(false);
  });

  test("nothing and the empty value of any kind are the same", () => {
    for (const empty of [undefined, null, "", 0, false, [], {}, { deep: [], deeper: { none: null } }]) {
      expect(same({ type: "anything" }, null, empty)).toBe(true);
    }
  });

  test("what Docker decides is right unless the program says otherwise; an empty list says so", () => {
    const state = {
      name: "n",
      policy: "no",
      words: ["from", "image"],
      parts: [{ id: 1, kind: "plain", port: 5 }],
    };
    const inputs = { name: "n", policy: "no", parts: [{ id: 1, kind: "plain" }] };
    expect(changesOf(SCHEMA, state, inputs)).toEqual([]);
    expect(changesOf(SCHEMA, state, { ...inputs, words: [] })).toEqual([
      { property: "words", kind: "delete", replace: true },
    ]);
    expect(changesOf(SCHEMA, state, { ...inputs, parts: [{ id: 1, kind: "plain", port: 6 }] })).toHaveLength(
      1,
    );
  });

  test("changes say what kind they are and whether they replace", () => {
    const state = { name: "n", policy: "no", size: 0, tags: ["a"], foreign: "seen" };
    expect(changesOf(SCHEMA, state, { name: "m", policy: "no", size: 3 })).toEqual([
      { property: "name", kind: "update", replace: true },
      { property: "size", kind: "add", replace: false },
      { property: "tags", kind: "delete", replace: true },
    ]);
  });

  test("what is not known yet is a change, however deep it is", () => {
    const state = { name: "n", policy: "no", parts: [{ id: 1, kind: "plain" }] };
    const inputs = { ...state, parts: [{ id: 1, kind: UNKNOWN }] };
    expect(changesOf(SCHEMA, state, inputs)).toEqual([{ property: "parts", kind: "update", replace: true }]);
  });
});

describe("texts that say the same in other words", () => {
  const changes = (kind: Kind, have: string, want: string) =>
    changesOf({ text: updated(kind) }, { text: have }, { text: want });

  test("JSON is the same in any order and spacing, and without what the service adds", () => {
    expect(changes(json(), '{"a":1,"b":[2]}', '{ "b": [2], "a": 1 }')).toEqual([]);
    expect(changes(json(), '{"a":1}', '{"a":2}')).toHaveLength(1);
    const withoutId = json((value) => ({ ...(value as Properties), id: null }));
    expect(changes(withoutId, '{"id":7,"a":1}', '{"a":1}')).toEqual([]);
  });

  test("a duration is the same in any units", () => {
    for (const [have, want] of [
      ["5m", "300s"],
      ["1d", "24h"],
      ["0s", "0"],
    ] as const) {
      expect(changes(duration(), have, want)).toEqual([]);
    }
    expect(changes(duration(), "5m", "301s")).toHaveLength(1);
  });

  test("what is neither JSON nor a duration is told as that", () => {
    const schema: Schema = { model: updated(json()), wait: updated(duration()) };
    const { failures } = checkInputs(schema, { model: "{", wait: "soon" }, "test Thing");
    expect(failures.map(({ reason }) => reason)).toEqual([
      '"model": must be JSON text.',
      '"wait": must be a duration such as 90s, 5m or 1h30m.',
    ]);
  });
});

describe("the state", () => {
  const inputs = { name: "n", policy: "always", parts: [{ id: 1, kind: "plain" }] };

  test("shows every property and field, but for those that the official plugin does not", () => {
    expect(stateOf(SCHEMA, inputs)).toEqual({
      name: "n",
      policy: "always",
      size: 0,
      words: [],
      tags: null,
      options: null,
      parts: [{ id: 1, kind: "plain", port: null, rare: "" }],
      on: false,
      never: false,
      foreign: null,
    });
  });

  test("that was made from inputs needs no change to become what these ask for", () => {
    const inputsArbitrary = fc.record(
      {
        name: fc.string({ minLength: 1 }),
        policy: fc.constantFrom("no", "always"),
        size: fc.nat(),
        words: fc.array(fc.string()),
        tags: fc.array(fc.string()),
        options: fc.dictionary(fc.constantFrom("a", "b"), fc.string()),
        parts: fc.array(fc.record({ id: fc.nat(), kind: fc.string() }, { requiredKeys: ["id"] })),
        on: fc.boolean(),
      },
      { requiredKeys: ["name"] },
    );
    fc.assert(
      fc.property(inputsArbitrary, (given) => {
        const { inputs: checked, failures } = check(given as Properties);
        expect(failures).toEqual([]);
        expect(changesOf(SCHEMA, stateOf(SCHEMA, checked), checked)).toEqual([]);
      }),
    );
  });

  test("of a preview knows the inputs and leaves the rest to Docker", () => {
    expect(plannedState(SCHEMA, inputs, ["address"])).toMatchObject({
      name: "n",
      words: UNKNOWN,
      address: UNKNOWN,
    });
  });

  test("found by a refresh moves only those inputs that the world has moved away from", () => {
    const old = stateOf(SCHEMA, { ...inputs, tags: ["a", "b"] });
    const now = { ...old, tags: ["b", "a"], policy: "no", size: 9 };
    expect(refreshedInputs(SCHEMA, { ...inputs, tags: ["a", "b"] }, old, now)).toEqual({
      ...inputs,
      tags: ["a", "b"],
      policy: "no",
    });
  });

  test("of an import becomes inputs that say something and that are taken", () => {
    const found: Properties = { ...stateOf(SCHEMA, inputs), foreign: "f", on: true, address: "1.2.3.4" };
    expect(importedInputs(SCHEMA, found)).toEqual({ ...inputs, parts: found.parts ?? null, on: true });
  });
});

function hash(text: string): number {
  return [...text].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 1_000_003, 7);
}
