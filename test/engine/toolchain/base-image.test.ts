import { X509Certificate } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { PassThrough } from "node:stream";
import * as buffer from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectDocker } from "../../../ops/docker/client.ts";
import { readMachine } from "../../../ops/stack/machine-file.ts";
import { CHECKOUT } from "../../../toolchain/layout.ts";
import { TestCheckout } from "./checkout.ts";

let checkout: TestCheckout;
/** Bundle of a machine whose company has an authority of its own. */
let bundle: string;
const docker = () => connectDocker(readMachine(CHECKOUT).docker.host);

beforeAll(async () => {
  checkout = new TestCheckout();
  bundle = path.join(checkout.parent, "company.pem");
  const key =
    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -keyout /dev/null".split(" ");
  const command = ["openssl", ...key, "-subj", "/CN=Company Test Authority"];
  writeFileSync(bundle, await inImage(readMachine(CHECKOUT).baseImage, command));
});

afterAll(async () => {
  if (existsSync(path.join(checkout.toolchain.root, "machine.json"))) {
    await docker().getImage(readMachine(checkout.root).baseImage).remove({ force: true });
  }
  checkout.remove();
});

const baseImage = () => readMachine(checkout.root).baseImage;
const setup = () => checkout.start(["setup"], { env: { NODE_EXTRA_CA_CERTS: bundle } });

describe("set-up of a machine with a company's authority", () => {
  it("that is killed while the base image is made goes on when it is run again", async () => {
    const killed = setup();
    const isBuilding = new Promise<void>((resolve) => {
      killed.all?.on("data", (chunk: Buffer) => {
        if (/mmdebstrap: |pulling |Step /.test(chunk.toString())) resolve();
      });
    });
    await Promise.race([isBuilding, killed]);
    killed.kill("SIGKILL");
    expect((await killed).signal).toBe("SIGKILL");
    expect(existsSync(checkout.toolchain.lock)).toBe(true);

    const { exitCode, all } = await setup();
    expect(exitCode, all).toBe(0);
    expect(all).not.toContain("waiting for it");
    expect(existsSync(checkout.toolchain.lock)).toBe(false);
  });

  it("makes an image of its own that trusts this authority, once, and Debian's", async () => {
    expect(baseImage()).not.toBe(readMachine(CHECKOUT).baseImage);
    const trusted = await inImage(baseImage(), ["cat", "/etc/ssl/certs/ca-certificates.crt"]);
    const certificates = trusted.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    const names = certificates.map((pem) => new X509Certificate(pem).subject);
    expect(names.filter((name) => name === "CN=Company Test Authority")).toHaveLength(1);
    expect(names.length).toBeGreaterThan(100);
    expect(new Set(certificates).size).toBe(certificates.length);
  });

  it("tells every tool of the image where the authorities are", async () => {
    const file = "/etc/ssl/certs/ca-certificates.crt";
    const variables = [
      "SSL_CERT_FILE",
      "PIP_CERT",
      "REQUESTS_CA_BUNDLE",
      "CURL_CA_BUNDLE",
      "NODE_EXTRA_CA_CERTS",
    ];
    const env = await inImage(baseImage(), ["env"]);
    for (const name of variables) expect(env).toContain(`${name}=${file}`);
  });

  it("gives an image that takes Debian's security updates and keeps neither manuals nor package lists", async () => {
    const sources = await inImage(baseImage(), ["cat", "/etc/apt/sources.list"]);
    expect(sources.match(/trixie(-\w+)?(?= main)/g)).toEqual(["trixie", "trixie-updates", "trixie-security"]);
    const left = await inImage(baseImage(), ["find", "/usr/share/man", "/var/lib/apt/lists", "-type", "f"]);
    expect(left.trim()).toBe("");
  });

  it("keeps the image when it runs again", async () => {
    const before = readFileSync(path.join(checkout.toolchain.root, "machine.json"), "utf8");
    const { exitCode, all } = await setup();
    expect(exitCode, all).toBe(0);
    expect(all).not.toMatch(/mmdebstrap: |pulling |Step /);
    expect(readFileSync(path.join(checkout.toolchain.root, "machine.json"), "utf8")).toBe(before);
  });

  it("says what is wrong when no Debian mirror answers", async () => {
    const { exitCode, stderr } = await checkout.mem0(["setup", "--way", "registries"], {
      env: {
        MEM0_DEBIAN_MIRROR: "http://127.0.0.1:9/debian",
        MEM0_DEBIAN_SECURITY_MIRROR: "http://127.0.0.1:9/s",
      },
    });
    expect(exitCode).toBe(1);
    expect(stderr).toContain("the Debian registry does not answer");
    expect(stderr).toContain("MEM0_DEBIAN_MIRROR");
  });
});

/** Runs a command in a container of `image`; returns what it prints to standard output. */
async function inImage(image: string, command: string[]): Promise<string> {
  const [printed, errors] = [new PassThrough(), new PassThrough()];
  const text = buffer.text(printed);
  errors.resume();
  // Not removed by Docker at its end: dockerode asks for the exit code then, of a container that may be gone.
  const [, container] = await docker().run(image, command, [printed, errors], { Tty: false });
  await container.remove();
  printed.end();
  return text;
}
