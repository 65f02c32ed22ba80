import { describe, expect, it } from "vitest";
import { allWell, complaint, lookAt, mendings, wrong } from "../../../../ops/base/check.ts";
import { Problem } from "../../../../ops/base/problem.ts";

describe("a check", () => {
  it("is what a look has found, or why it found nothing, with the mend of a problem", async () => {
    expect(await lookAt("rows", () => "5 rows")).toEqual({ name: "rows", ok: true, found: "5 rows" });
    const broken = async () => {
      throw new Error("it is cut off");
    };
    expect(await lookAt("rows", broken)).toEqual(wrong("rows", "it is cut off"));
    const gone = () => {
      throw new Problem("the container is not there", {
        where: "mem0_postgres_test",
        mend: "./mem0 up test",
      });
    };
    const found = await lookAt("rows", gone);
    expect(found).toEqual(wrong("rows", "the container is not there (mem0_postgres_test)", "./mem0 up test"));
    expect(complaint(found)).toBe("the container is not there (mem0_postgres_test); ./mem0 up test");
  });

  it("names each mend once, with all that it mends, and nothing for what is well", () => {
    const well = { name: "clock", ok: true, found: "runs", mend: "never told" };
    const checks = [wrong("a", "gone", "up"), well, wrong("b", "odd", "look"), wrong("c", "gone", "up")];
    expect(mendings(checks)).toEqual(["a, c: up", "b: look"]);
    expect([allWell([well]), allWell(checks)]).toEqual([true, false]);
  });
});
