import { readFileSync } from "node:fs";
import path from "node:path";
import { rootCertificates } from "node:tls";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  certificateFileName,
  machineCertificates,
  parseCertificates,
} from "../../../toolchain/base-image/certificates.ts";
import {
  baseImageTag,
  mirrors,
  mmdebstrapArguments,
  OFFICIAL_IMAGE,
  type Recipe,
  readContextFiles,
} from "../../../toolchain/base-image/recipe.ts";
import { onFakeMac } from "../../harness/fakes/mac/mac.ts";

const recipe: Recipe = {
  files: readContextFiles(),
  certificates: parseCertificates(rootCertificates.slice(0, 3).join("\n")),
  mirrors: mirrors({}),
  way: "registries",
};

describe("the machine's certificates", () => {
  const some = rootCertificates.slice(0, 12);

  it("are the same in whatever order, spelling and number of files they come", () => {
    const expected = parseCertificates(some.join("\n"));
    expect(expected).toHaveLength(some.length);
    const respell = (pem: string) => `# a comment\r\n${pem.replaceAll("\n", "\r\n")}\r\n`;
    fc.assert(
      fc.property(
        fc.shuffledSubarray(some, { minLength: some.length }),
        fc.subarray(some),
        (order, again) => {
          expect(parseCertificates([...order, ...again].map(respell).join(""))).toEqual(expected);
        },
      ),
      { numRuns: 20 },
    );
  });

  it("are none in a text without any", () => {
    expect(parseCertificates("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")).toEqual([]);
  });

  it("are spelled in lines of 64 characters, as Debian ships them", () => {
    for (const certificate of parseCertificates(some.join("\n"))) {
      const lines = certificate.trimEnd().split("\n").slice(1, -1);
      expect(lines.slice(0, -1).every((line) => line.length === 64)).toBe(true);
    }
  });

  it("on a Mac are those of its keychain that may vouch for others, as well", async () => {
    await onFakeMac(async (mac) => {
      const [authority, service] = readFileSync(path.join(mac.directory, "keychain.pem"), "utf8")
        .split(/(?<=-----END CERTIFICATE-----\n)/)
        .flatMap(parseCertificates);
      const found = await machineCertificates({}, "darwin");
      expect(found).toContain(authority);
      expect(found).not.toContain(service);
      expect(found.length).toBe((await machineCertificates({}, "linux")).length + 1);
    });
  });

  it("have file names that tell them apart", () => {
    expect(new Set(recipe.certificates.map(certificateFileName)).size).toBe(recipe.certificates.length);
    expect(certificateFileName("x")).toMatch(/^[0-9a-f]{64}\.crt$/);
  });
});

describe("the base image's tag", () => {
  it("is the same for the same recipe", () => {
    expect(baseImageTag({ ...recipe, files: { ...recipe.files } })).toBe(baseImageTag(recipe));
    expect(baseImageTag(recipe)).toMatch(/^mem0\/base:trixie-[0-9a-f]{16}$/);
  });

  it.each<[string, Recipe]>([
    ["the Dockerfile", { ...recipe, files: { ...recipe.files, Dockerfile: "FROM scratch\n" } }],
    ["a file that it copies", { ...recipe, files: { ...recipe.files, "policy-rc.d": "#!/bin/sh\n" } }],
    ["the certificates", { ...recipe, certificates: recipe.certificates.slice(1) }],
    ["the way", { ...recipe, way: "official" }],
    ["a mirror", { ...recipe, mirrors: mirrors({ MEM0_DEBIAN_MIRROR: "http://mirror.example/debian" }) }],
  ])("is another when %s differs", (_what, other) => {
    expect(baseImageTag(other)).not.toBe(baseImageTag(recipe));
  });
});

describe("the base image's recipe", () => {
  const dockerfile = readFileSync(path.join("toolchain", "base-image", "Dockerfile"), "utf8");

  it("pins Debian's image by digest", () => {
    expect(OFFICIAL_IMAGE).toMatch(/^debian:trixie-slim@sha256:[0-9a-f]{64}$/);
  });

  it("asks nothing that only BuildKit can do, nor a registry for a Dockerfile syntax", () => {
    expect(dockerfile).not.toMatch(/^#\s*syntax=|--mount=|--chmod=|--link|<<\s*\w/m);
  });

  it("leaves the choice of archives to Debian's tools where the machine names no mirror", () => {
    expect(mmdebstrapArguments(mirrors({}), "slim.conf", "out.tar").at(-1)).toBe("out.tar");
  });

  it("takes security updates and updates from the machine's mirrors", () => {
    const chosen = mirrors({
      MEM0_DEBIAN_MIRROR: "http://a.example/d",
      MEM0_DEBIAN_SECURITY_MIRROR: "http://a.example/s",
    });
    const sources = mmdebstrapArguments(chosen, "slim.conf", "out.tar").filter((argument) =>
      argument.startsWith("deb "),
    );
    expect(sources).toEqual([
      "deb http://a.example/d trixie main",
      "deb http://a.example/d trixie-updates main",
      "deb http://a.example/s trixie-security main",
    ]);
  });
});
