import { describe, expect, it } from "vitest";
import { Problem } from "../../../ops/base/problem.ts";
import { askVendors, getByWay, isAcceptable, type RequestedWay } from "../../../toolchain/ways.ts";

/** Takes a way and tells the story of what was tried. */
async function story(requested: RequestedWay, reachable: boolean, officialFails = false): Promise<string[]> {
  const told: string[] = [];
  await getByWay(
    requested,
    async () => {
      told.push("asked");
      return reachable;
    },
    () => undefined,
    {
      official: async () => {
        told.push("official");
        if (officialFails) throw new Problem("the download stopped");
      },
      registries: async () => {
        told.push("registries");
      },
    },
  );
  return told;
}

describe("a part is got", () => {
  it("the official way when its vendor answers", async () => {
    expect(await story("auto", true)).toEqual(["asked", "official"]);
  });

  it("from registries when the vendor does not answer", async () => {
    expect(await story("auto", false)).toEqual(["asked", "registries"]);
  });

  it("from registries when the vendor answered and then failed", async () => {
    expect(await story("auto", true, true)).toEqual(["asked", "official", "registries"]);
  });

  it("the way that was asked for, without asking the vendor", async () => {
    expect(await story("official", false)).toEqual(["official"]);
    expect(await story("registries", true)).toEqual(["registries"]);
  });

  it("no other way than official when that was asked for", async () => {
    await expect(story("official", true, true)).rejects.toThrow("the download stopped");
  });

  it("with a mistake of the program shown, not covered by the other way", async () => {
    const ways = {
      official: () => Promise.reject(new TypeError("undefined is not a function")),
      registries: () => Promise.resolve(),
    };
    await expect(
      getByWay(
        "auto",
        async () => true,
        () => undefined,
        ways,
      ),
    ).rejects.toThrow(TypeError);
  });
});

describe("a part that is there", () => {
  it.each([
    ["auto", "registries", true],
    ["auto", "official", true],
    ["official", "registries", false],
    ["official", "official", true],
    ["registries", "official", false],
    ["official", "found", true],
    ["official", undefined, true],
  ] as const)("with --way %s and got by %s is kept: %s", (requested, way, kept) => {
    expect(isAcceptable(requested, way)).toBe(kept);
  });
});

describe("a vendor", () => {
  const answering = (status: number) => {
    let asked = 0;
    const request = async () => {
      asked += 1;
      return new Response(null, { status });
    };
    return { vendors: askVendors("https://vendor.example/archive", request), asked: () => asked };
  };

  it("of images is there when it asks for a token", async () => {
    expect(await answering(401).vendors.images("https://images.example/v1/")).toBe(true);
  });

  it("of the CLI is there only when it has the very archive", async () => {
    expect(await answering(200).vendors.pulumi()).toBe(true);
    expect(await answering(404).vendors.pulumi()).toBe(false);
  });

  it("is asked once, however many parts want to know", async () => {
    const { vendors, asked } = answering(200);
    await Promise.all([vendors.pulumi(), vendors.pulumi(), vendors.pulumi()]);
    expect(asked()).toBe(1);
  });

  it("that cannot be reached is not there", async () => {
    const vendors = askVendors("https://vendor.example/archive", () =>
      Promise.reject(new TypeError("fetch failed")),
    );
    expect(await vendors.pulumi()).toBe(false);
    expect(await vendors.images("https://images.example/v1/")).toBe(false);
  });
});
