import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { parseSettings } from "../../../../config/settings.ts";
import { GENERATED } from "../../../../scripts/cli/references.ts";
import { exampleHost } from "../../../harness/support/example-settings.ts";

const checkout = path.resolve(import.meta.dirname, "../../../..");

describe("the generated reference", () => {
  it.each(GENERATED)(
    "$file says what the schema says (else: node scripts/cli/write-references.ts)",
    ({ file, render }) => {
      expect(readFileSync(path.join(checkout, file), "utf8")).toBe(render());
    },
  );
});

describe("the stack files", () => {
  const files = readdirSync(checkout).filter((name) => /^Pulumi\.\w+\.yaml$/.test(name));

  it("are there for TEST and PRD", () => {
    expect(files).toEqual(expect.arrayContaining(["Pulumi.prd.yaml", "Pulumi.test.yaml"]));
  });

  it.each(files)("%s is valid", (file) => {
    const { config } = parse(readFileSync(path.join(checkout, file), "utf8")) as {
      config: Record<string, unknown>;
    };
    const values = Object.fromEntries(
      Object.entries(config).map(([key, value]) => [key.replace(/^mem0:/, ""), JSON.stringify(value)]),
    );
    const stack = file.split(".")[1] ?? "";
    // The key itself is the user's to add.
    const parsed = parseSettings(stack, { openaiApiKey: "sk-0123456789", ...values }, exampleHost);
    expect(parsed).toMatchObject({ ok: true });
  });
});
