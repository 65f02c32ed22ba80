import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readMachine } from "../../../ops/stack/machine-file.ts";
import { needing } from "../../harness/support/needing.ts";
import { TestCheckout } from "./checkout.ts";

let checkout: TestCheckout;
beforeAll(() => {
  checkout = new TestCheckout();
});
afterAll(() => checkout.remove());

const SHELLS = ["bash", "dash", "zsh", "ksh"] as const;

const machineFile = () => path.join(checkout.toolchain.root, "machine.json");
const passphrase = () => path.join(checkout.home, "passphrase");

interface Finding {
  name: string;
  state: string;
  mend?: string;
}
async function findings(): Promise<{ exitCode: number | undefined; parts: Finding[] }> {
  const { exitCode, stdout } = await checkout.mem0(["doctor", "--json"]);
  return { exitCode, ...(JSON.parse(stdout) as { parts: Finding[] }) };
}
const notThere = (parts: Finding[]) => parts.filter(({ state }) => state !== "there").map(({ name }) => name);

// The tests follow each other like the life of one machine.
describe("a machine that was never set up", () => {
  it("is told so by every verb that needs it, with the command that helps", async () => {
    for (const verb of [["env"], ["down"]]) {
      const { exitCode, stdout, stderr } = await checkout.mem0(verb);
      expect(exitCode).toBe(3);
      expect(stdout).toBe("");
      expect(stderr).toContain("./mem0 setup");
    }
  });

  it("is explained by doctor, which changes nothing", async () => {
    const { exitCode, parts } = await findings();
    expect(exitCode).toBe(3);
    expect(notThere(parts)).toEqual(
      expect.arrayContaining(["Node", "passphrase", "plugin docker", "machine file"]),
    );
    expect(existsSync(checkout.home)).toBe(false);
  });

  it("is set up by two ./mem0 setup at once, which take turns and agree", async () => {
    const [one, other] = await Promise.all([checkout.mem0(["setup"]), checkout.mem0(["setup"])]);
    expect([one.exitCode, other.exitCode], one.all + other.all).toEqual([0, 0]);
    const made = [one, other].filter(({ stdout }) => stdout.includes("A passphrase was made"));
    expect(made).toHaveLength(1);
    expect((await findings()).exitCode).toBe(0);
    expect(existsSync(checkout.toolchain.lock)).toBe(false);
  });
});

describe("a machine that is set up", () => {
  it("has a machine file that the program can read, without a secret", () => {
    const machine = readMachine(checkout.root);
    expect(machine.stateHome).toBe(checkout.home);
    expect(machine.runAs.uid).not.toBe(0);
    expect(readFileSync(machineFile(), "utf8")).not.toContain(readFileSync(passphrase(), "utf8").trim());
  });

  it("is left as it is by another set-up", async () => {
    const before = [readFileSync(machineFile(), "utf8"), readFileSync(passphrase(), "utf8")];
    const { exitCode, stdout } = await checkout.mem0(["setup", "--json"]);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ notes: [] });
    expect([readFileSync(machineFile(), "utf8"), readFileSync(passphrase(), "utf8")]).toEqual(before);
  });

  it("leaves no unfinished work behind", () => {
    expect(readdirSync(checkout.toolchain.root).sort()).toEqual(
      expect.arrayContaining(["bin", "machine.json", "pulumi-home"]),
    );
    expect(existsSync(checkout.toolchain.work)).toBe(false);
  });

  for (const shell of SHELLS) {
    needing(shell).it(`runs plain pulumi in ${shell} after eval of ./mem0 env`, async () => {
      const script = `set -eu; eval "$(checkout/mem0 env)"; pulumi version; pulumi whoami --json; command -v node`;
      const { stdout } = await execa(shell, ["-c", script], {
        cwd: checkout.parent,
        env: checkout.environment({ PULUMI_CONFIG_PASSPHRASE: "another" }),
        extendEnv: false,
      });
      expect(stdout).toContain(`v${readMachine(checkout.root).tools.pulumi.version}`);
      expect(stdout).toContain(`file://${checkout.home}/pulumi`);
      expect(stdout).toContain(path.join(checkout.toolchain.bin, "node"));
    });
  }

  it.each([
    ["Pulumi CLI", () => path.join(checkout.toolchain.bin, "pulumi-language-nodejs")],
    ["plugin random", () => path.join(checkout.toolchain.pulumiHome, "plugins")],
    ["state directory", () => path.join(checkout.home, "pulumi")],
    ["machine file", machineFile],
  ])("is told by doctor that its %s is gone, and how to mend it", async (name, gone) => {
    const aside = path.join(checkout.parent, "aside");
    renameSync(gone(), aside);
    try {
      const { exitCode, parts } = await findings();
      expect(exitCode).toBe(name === "machine file" ? 3 : 1);
      expect(notThere(parts)).toContain(name);
      expect(parts.find((part) => part.name === name)?.mend).toBe("./mem0 setup");
    } finally {
      renameSync(aside, gone());
    }
    expect((await findings()).exitCode).toBe(0);
  });

  it("gets back plugins that were deleted", async () => {
    rmSync(path.join(checkout.toolchain.pulumiHome, "plugins"), { recursive: true });
    expect((await checkout.mem0(["setup"])).exitCode).toBe(0);
    expect((await findings()).exitCode).toBe(0);
  });

  it("is refused an engine that does not answer, and keeps what it has", async () => {
    const before = readFileSync(machineFile(), "utf8");
    const { exitCode, stderr } = await checkout.mem0(["setup"], {
      env: { DOCKER_HOST: "unix:///nowhere.sock" },
    });
    expect(exitCode).toBe(1);
    expect(stderr).toContain("DOCKER_HOST is set, and no engine answers there");
    expect(readFileSync(machineFile(), "utf8")).toBe(before);
  });

  it("says that a way is none, as wrong usage", async () => {
    const { exitCode, stderr } = await checkout.mem0(["setup", "--way", "magic"]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("auto, official, registries");
  });
});

describe("a machine with a stack", () => {
  beforeAll(async () => {
    const project = path.join(checkout.parent, "project");
    mkdirSync(project);
    writeFileSync(path.join(project, "Pulumi.yaml"), "name: demo\nruntime: nodejs\n");
    const script = 'eval "$(../checkout/mem0 env)"; pulumi stack init one --non-interactive';
    await execa("sh", ["-ec", script], { cwd: project, env: checkout.environment(), extendEnv: false });
  });

  it("never gets a new passphrase in place of a lost one", async () => {
    const kept = path.join(checkout.parent, "kept passphrase");
    renameSync(passphrase(), kept);
    const { exitCode, stderr } = await checkout.mem0(["setup"]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("the passphrase is gone, and the state of demo/one cannot be opened without it");
    expect(existsSync(passphrase())).toBe(false);
    expect(notThere((await findings()).parts)).toEqual(["passphrase"]);

    renameSync(kept, passphrase());
    expect((await checkout.mem0(["setup"])).exitCode).toBe(0);
  });

  it("has its passphrase closed to others again", async () => {
    await execa("chmod", ["644", passphrase()]);
    expect(notThere((await findings()).parts)).toEqual(["passphrase"]);
    expect((await checkout.mem0(["setup"])).exitCode).toBe(0);
    expect(statSync(passphrase()).mode & 0o777).toBe(0o600);
  });
});
