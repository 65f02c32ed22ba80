import { describe, expect, it } from "vitest";
import { mendings } from "../../../ops/base/check.ts";
import { DOCTOR_HEAD, diagnose, doctorRows } from "../../../toolchain/doctor.ts";
import type { Part } from "../../../toolchain/steps/step.ts";

const node: Part = {
  name: "Node",
  state: "there",
  version: "22.23.3",
  way: "found",
  detail: "/usr/bin/node",
};
const docker: Part = { name: "Docker", state: "wrong", detail: "too old (API 1.40)", mend: "upgrade Docker" };
const base: Part = { name: "base image", state: "missing", mend: "./mem0 setup" };
const file: Part = { name: "machine file", state: "missing", mend: "./mem0 setup" };

describe("doctor", () => {
  it("finds a machine well when every part is there", () => {
    const diagnosis = diagnose([node, { ...file, state: "there" }]);
    expect(diagnosis).toMatchObject({ well: true, setUp: true });
    expect(mendings(diagnosis.checks)).toEqual([]);
  });

  it("tells a machine that was never set up from one that has lost something", () => {
    expect(diagnose([node, file])).toMatchObject({ well: false, setUp: false });
    expect(diagnose([docker, { ...file, state: "there" }])).toMatchObject({ well: false, setUp: true });
    expect(diagnose([docker, { ...file, state: "wrong" }])).toMatchObject({ well: false, setUp: true });
  });

  it("shows each part in a row of the table", () => {
    const rows = doctorRows(diagnose([node, docker]));
    expect(rows).toEqual([
      ["Node", "there", "22.23.3", "found", "/usr/bin/node"],
      ["Docker", "wrong", "", "", "too old (API 1.40)"],
    ]);
    expect(rows.every((row) => row.length === DOCTOR_HEAD.length)).toBe(true);
  });

  it("names each mending command once, with all the parts that it mends", () => {
    expect(mendings(diagnose([node, docker, base, file]).checks)).toEqual([
      "Docker: upgrade Docker",
      "base image, machine file: ./mem0 setup",
    ]);
  });
});
