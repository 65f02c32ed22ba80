import { CommandError } from "@pulumi/pulumi/automation/index.js";
import { describe, expect, it } from "vitest";
import { ExitCode, Problem } from "../../../../ops/base/problem.ts";
import { engineFailure } from "../../../../ops/stack/engine-failure.ts";

const run = {
  checkout: "/src/mem0",
  stack: "prd",
  env: { PULUMI_CONFIG_PASSPHRASE_FILE: "/home/me/.mem0-host/passphrase" },
  backend: "/home/me/.mem0-host/pulumi",
};

/** As the Automation API makes it of a command that failed: everything that was said, twice. */
function failed(said: string, command = "/src/mem0/.toolchain/bin/pulumi preview --stack prd"): Error {
  const all = `Command failed with exit code 1: ${command}\n${said}`;
  const text = `code: -2\n stdout: \n stderr: ${all}\n err?: Error: ${all}\n`;
  return new (CommandError as unknown as new (result: { toString(): string }) => Error)({
    toString: () => text,
  });
}

function told(said: string, events: string[] = []): Problem {
  const failure = engineFailure(failed(said), run, { told: events });
  if (!(failure instanceof Problem)) throw new Error("it is no Problem");
  return failure;
}

/** What Pulumi 3.259 said when each of these was done to a real stack. */
const SAID: [kind: string, said: string, what: RegExp, where: string | undefined, mend: RegExp][] = [
  [
    "another passphrase",
    "error: getting stack configuration: get stack secrets manager: incorrect passphrase",
    /^the passphrase does not open the secrets of stack prd$/,
    "/home/me/.mem0-host/passphrase",
    /put back the passphrase/,
  ],
  [
    "no passphrase",
    "error: getting stack configuration: get stack secrets manager: unable to read PULUMI_CONFIG_PASSPHRASE_FILE: open /home/me/.mem0-host/passphrase: no such file or directory",
    /^the passphrase cannot be read$/,
    "/home/me/.mem0-host/passphrase",
    /put back your copy/,
  ],
  [
    "a damaged salt",
    "error: could not create secrets manager for new stack: malformed state value",
    /encryptionsalt/,
    "/src/mem0/Pulumi.prd.yaml",
    /put the line back/,
  ],
  [
    "a newer state",
    "error: failed to load checkpoint: unsupported checkpoint version 99\nPreviewing update (prd):",
    /^a newer version wrote the state of stack prd \(checkpoint version 99\)$/,
    "/home/me/.mem0-host/pulumi/.pulumi/stacks/mem0/prd.json",
    /newer one/,
  ],
  [
    "a newer backend",
    "error: state store unsupported: 'meta.yaml' version (9) is not supported by this version of the Pulumi CLI",
    /^a newer version of Pulumi keeps its state here \(version 9\)$/,
    "/home/me/.mem0-host/pulumi/.pulumi/meta.yaml",
    /newer one/,
  ],
  [
    "half a state",
    "error: failed to load checkpoint: place 1: unexpected end of JSON input\nPreviewing update (prd):",
    /^the state of stack prd is damaged: place 1: unexpected end of JSON input$/,
    "/home/me/.mem0-host/pulumi/.pulumi/stacks/mem0/prd.json",
    /cp .*prd\.json\.bak .*prd\.json$/,
  ],
  [
    "a lock",
    "error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete the lock file with `pulumi cancel`.\n  file:///b/.pulumi/locks/organization/mem0/prd/aa.json?no_tmp_dir=true: created by me@host (pid 4711) at 2026-11-27T22:59:32Z",
    /^another run works on stack prd \(process 4711 on host\)$/,
    undefined,
    /pulumi cancel --stack prd/,
  ],
  [
    "no directory of the backend",
    'error: unable to open state directory "file:///home/me/.mem0-host/pulumi": stat /home/me/.mem0-host/pulumi: no such file or directory',
    /cannot be opened: stat .*no such file or directory$/,
    "/home/me/.mem0-host/pulumi",
    /mem0 setup/,
  ],
  [
    "a read-only backend",
    "error: open /home/me/.mem0-host/pulumi/.pulumi/locks/x.json: read-only file system",
    /^Pulumi's state cannot be written: read-only file system$/,
    "/home/me/.mem0-host/pulumi",
    /make it writable/,
  ],
  [
    "a full disk",
    "error: could not create stack: An IO error occurred while writing the new snapshot file: blob: write /home/me/.mem0-host/pulumi/.pulumi/stacks/mem0/prd.json.1.tmp: no space left on device",
    /^the disk is full: write \S+prd\.json\.1\.tmp: no space left on device$/,
    undefined,
    /free room/,
  ],
  [
    "a project file of another form",
    "error: project names may only contain alphanumerics, hyphens, underscores, and periods",
    /project names may only/,
    "/src/mem0/Pulumi.yaml",
    /git checkout Pulumi\.yaml/,
  ],
  [
    "a kind that nobody knows",
    "error: the moon is full\n  and red",
    /^the moon is full\n {2}and red$/,
    undefined,
    /doctor/,
  ],
  ["nothing at all", "", /^Pulumi failed and did not say why$/, undefined, /doctor/],
];

describe("a failure of the engine", () => {
  it.each(SAID)(
    "for %s is told in its own words, with the place and the mend",
    (_, said, what, where, mend) => {
      const problem = told(said);
      expect(problem.message).toMatch(what);
      expect(problem.where).toBe(where);
      expect(problem.mend).toMatch(mend);
    },
  );

  it.each(SAID)("for %s is never told by what the command printed", (_, said) => {
    expect(told(said).render()).not.toMatch(/stdout|stderr|code: -2|Command failed|err\?/);
  });

  it("for want of a plugin names plugin, version and the command that gets it", () => {
    const event =
      "default_4_21_2: no resource plugin 'pulumi-resource-random' found in the workspace at version v4.21.2 or on your $PATH";
    expect(told("Diagnostics:", [event])).toMatchObject({
      message: "Pulumi's plugin random 4.21.2 is not installed",
      mend: expect.stringContaining("./mem0 setup"),
      exitCode: ExitCode.notSetUp,
    });
  });

  it("for a plugin that does not start names its directory, which set-up fills anew", () => {
    const event =
      "default_4_21_2: could not read plugin [/p/resource-random-v4.21.2/pulumi-resource-random]: exit status 1";
    expect(told("", [event])).toMatchObject({
      message: "a plugin of Pulumi does not start: exit status 1",
      mend: expect.stringContaining("rm -r /p/resource-random-v4.21.2 && ./mem0 setup"),
    });
  });

  it("of the program is told by what it threw and where, without the way there", () => {
    const event = [
      "Running program '/src/mem0/index.ts' failed with an unhandled exception:",
      "TypeError: x is not a function",
      "    at run (file:///src/mem0/node_modules/@pulumi/pulumi/x.js:1:2)",
      "    at file:///src/mem0/components/stack.ts:12:7",
    ].join("\n");
    const problem = told("", [event]);
    expect(problem.message).toBe("the program fails: TypeError: x is not a function");
    expect(problem.where).toBe("/src/mem0/components/stack.ts:12:7");
  });

  it("that the settings are to blame for is their owner's, whatever words stand in it", () => {
    const event = "1 mistake in settings of stack prd:\n  - mem0:data.root: permission denied";
    expect(told("", [event])).toMatchObject({
      message: event,
      exitCode: ExitCode.usage,
      where: "/src/mem0/Pulumi.prd.yaml",
    });
  });

  it("of a resource is told as the resource says it", () => {
    const event = "postgres: Error response from daemon: permission denied";
    expect(told("", [event])).toMatchObject({ message: event, mend: expect.stringContaining("doctor") });
  });

  it("for want of Pulumi itself sends to set-up", () => {
    const failure = engineFailure(
      failed("spawn /src/mem0/.toolchain/bin/pulumi ENOENT", "pulumi version"),
      run,
    );
    expect(failure).toMatchObject({ message: "Pulumi is not installed", exitCode: ExitCode.notSetUp });
  });

  it("that is none of the engine's is left as it is", () => {
    const own = new Error("something else");
    expect(engineFailure(own, run)).toBe(own);
  });
});
