import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { keepAwake } from "../../../../ops/base/keep-awake.ts";
import { onFakeMac } from "../../../harness/fakes/mac/mac.ts";
import { waitFor } from "../../../harness/support/eventually.ts";

describe("a Mac", () => {
  it("stays awake as long as the work runs, and no longer", async () => {
    await onFakeMac(async (mac) => {
      const file = path.join(mac.directory, "awake");
      const said = () => (existsSync(file) ? readFileSync(file, "utf8") : "");
      const awake = `awake for ${process.pid}\n`;
      const work = () => waitFor("caffeinate", async () => said() === awake);
      await keepAwake(work, "darwin");
      await waitFor("its end", async () => said() === `${awake}let go\n`);
      expect(await keepAwake(async () => "done", "linux")).toBe("done");
      expect(said()).toBe(`${awake}let go\n`);
    });
  });

  it("that has no caffeinate works all the same", async () => {
    const before = process.env.PATH;
    process.env.PATH = "/nowhere";
    try {
      expect(await keepAwake(async () => "done", "darwin")).toBe("done");
    } finally {
      process.env.PATH = before;
    }
  });
});
