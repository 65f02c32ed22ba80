import { describe, expect, it } from "vitest";
import { tooOld } from "../../../../ops/docker/minimum-api.ts";

describe("the version of the Docker engine", () => {
  it.each(["1.41", "1.100", "2.0"])("will do with API %s", (apiVersion) => {
    expect(tooOld({ version: "99", apiVersion })).toBeUndefined();
  });

  it.each(["1.40", "1.9", "0.99"])("is too old with API %s, and what is needed is told", (apiVersion) => {
    expect(tooOld({ version: "19.03", apiVersion })).toBe(
      `Docker 19.03 is too old (API ${apiVersion}); needed: API 1.41, Docker 20.10 or newer`,
    );
  });
});
