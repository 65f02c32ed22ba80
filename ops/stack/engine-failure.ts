import path from "node:path";
import { CommandError } from "@pulumi/pulumi/automation/index.js";
import { ExecaError } from "execa";
import { ExitCode, Problem } from "../base/problem.ts";

/** What of a run's surroundings its failures are told with. */
export interface FailedRun {
  checkout: string;
  stack: string;
  env: Record<string, string>;
  /** Directory of Pulumi's file backend. */
  backend: string;
}

interface Told {
  what: string;
  where?: string;
  mend: string;
  exitCode?: number;
}

interface Kind {
  /** What the engine says; seen with Pulumi 3.259; the test has what it said. */
  sign: RegExp;
  tell: (found: RegExpExecArray, run: FailedRun) => Told;
  /** Said of the engine's own files only: of a resource it means another thing. */
  ownOnly?: boolean;
}

const setUpAgain = "./mem0 setup, then the same command again";
const stackFile = ({ checkout, stack }: FailedRun) => path.join(checkout, `Pulumi.${stack}.yaml`);
const passphrase = ({ env }: FailedRun) => env.PULUMI_CONFIG_PASSPHRASE_FILE ?? "PULUMI_CONFIG_PASSPHRASE";
const stateFile = ({ backend, stack }: FailedRun) =>
  path.join(backend, ".pulumi", "stacks", "mem0", `${stack}.json`);
const newerCheckout = "take the checkout that deployed it last, or a newer one, and: ./mem0 setup";

/** The kinds of failures, the telling ones first: one failure may bear several signs. */
const KINDS: readonly Kind[] = [
  {
    sign: /^\d+ mistakes? in settings/,
    tell: (found, run) => ({
      what: found.input,
      where: stackFile(run),
      mend: "edit the file, then the same command again; docs/settings.md lists every setting",
      exitCode: ExitCode.usage,
    }),
  },
  {
    sign: /^\d+ mistakes? in this host/,
    tell: (found) => ({ what: found.input, mend: "mend what is listed, then the same command again" }),
  },
  {
    sign: /no space left on device|disk quota exceeded|ENOSPC/,
    tell: (found) => ({
      what: `the disk is full: ${lineOf(found).split(": ").slice(-2).join(": ")}`,
      mend: "df -h tells which; free room, then the same command: it goes on from where it came to",
    }),
  },
  {
    sign: /incorrect passphrase/,
    tell: (_, run) => ({
      what: `the passphrase does not open the secrets of stack ${run.stack}`,
      where: passphrase(run),
      mend: "put back the passphrase that the stack was made with: your copy of this file",
    }),
  },
  {
    sign: /unable to read PULUMI_CONFIG_PASSPHRASE_FILE|passphrase must be set/,
    tell: (_, run) => ({
      what: "the passphrase cannot be read",
      where: passphrase(run),
      mend: "put back your copy of this file, readable by you; it opens the secrets of your stacks",
    }),
  },
  {
    sign: /malformed state value/,
    tell: (_, run) => ({
      what: "the key `encryptionsalt` of the stack file is damaged: the secrets cannot be opened without it",
      where: stackFile(run),
      mend: "put the line back as it was: git diff shows it where the file is kept in git",
    }),
  },
  {
    ownOnly: true,
    sign: /failed to decrypt|could not decrypt|bad value|illegal base64|message authentication failed/,
    tell: (_, run) => ({
      what: "a secret in the stack file cannot be opened: it was damaged, or locked with another passphrase",
      where: stackFile(run),
      mend: `give it again: eval "$(./mem0 env)", then pulumi config set --secret KEY --stack ${run.stack}`,
    }),
  },
  {
    sign: /unsupported checkpoint version (\d+)|newer than what this version of the Pulumi/,
    tell: (found, run) => ({
      what: `a newer version wrote the state of stack ${run.stack}${found[1] === undefined ? "" : ` (checkpoint version ${found[1]})`}`,
      where: stateFile(run),
      mend: newerCheckout,
    }),
  },
  {
    sign: /'?meta\.yaml'? version \((\d+)\) is not supported/,
    tell: (found, { backend }) => ({
      what: `a newer version of Pulumi keeps its state here (version ${found[1]})`,
      where: path.join(backend, ".pulumi", "meta.yaml"),
      mend: newerCheckout,
    }),
  },
  {
    sign: /failed to load checkpoint: (.*)|invalid character .* in checkpoint|unmarshal.*checkpoint/,
    tell: (found, run) => ({
      what: `the state of stack ${run.stack} is damaged${found[1] === undefined ? "" : `: ${found[1]}`}`,
      where: stateFile(run),
      mend: `put back the state before the last change, then ./mem0 up ${run.stack}: cp ${stateFile(run)}.bak ${stateFile(run)}`,
    }),
  },
  {
    sign: /currently locked by \d+ lock[\s\S]*?(?:created by \S+@(\S+) \(pid (\d+)\)|$)/,
    tell: ([, host, pid], { stack }) => ({
      what: `another run works on stack ${stack}${pid === undefined ? "" : ` (process ${pid} on ${host})`}`,
      mend: `wait for it, or when it is dead: eval "$(./mem0 env)" && pulumi cancel --stack ${stack}`,
    }),
  },
  {
    sign: /no resource plugin 'pulumi-resource-([\w-]+)' found .*?at version v?([\d.]+)/,
    tell: ([, plugin, version]) => ({
      what: `Pulumi's plugin ${plugin} ${version} is not installed`,
      mend: setUpAgain,
      exitCode: ExitCode.notSetUp,
    }),
  },
  {
    sign: /could not read plugin \[([^\]]+)\]: (.*)|failed to load plugin (\S+): (.*)|fork\/exec (\S*pulumi-resource\S*): (.*)/,
    tell: (found) => {
      const [file, why] = [found[1] ?? found[3] ?? found[5] ?? "", found[2] ?? found[4] ?? found[6]];
      return {
        what: `a plugin of Pulumi does not start: ${why}`,
        where: file,
        mend: `rm -r ${path.dirname(file)} && ./mem0 setup, then the same command again`,
      };
    },
  },
  {
    sign: /unable to open state directory "[^"]*": (.*)/,
    tell: ([, why], { backend }) => ({
      what: `the directory of Pulumi's state cannot be opened: ${why}`,
      where: backend,
      mend: `put it back from your copy if stacks are deployed here; else: ${setUpAgain}`,
    }),
  },
  {
    ownOnly: true,
    sign: /(permission denied|read-only file system|operation not permitted)/,
    tell: (found, { backend }) => ({
      what: `Pulumi's state cannot be written: ${found[1]}`,
      where: backend,
      mend: "make it writable for you, then the same command again",
    }),
  },
  {
    sign: /(spawn \S*pulumi\S* ENOENT|Command failed with ENOENT)/,
    tell: () => ({ what: "Pulumi is not installed", mend: setUpAgain, exitCode: ExitCode.notSetUp }),
  },
  {
    sign: /ERR_MODULE_NOT_FOUND[\s\S]*|Cannot find (?:module|package) [\s\S]*/,
    tell: (found, run) => ({
      what: `the program does not find all of its files: ${/Cannot find[^\n]*/.exec(found.input)?.[0] ?? ""}`,
      where: run.checkout,
      mend: "git status tells what is missing of the checkout; npm ci brings the packages",
    }),
  },
  {
    sign: /failed with an unhandled exception:\n([\s\S]*)/,
    tell: ([, thrown = ""], run) => ({
      what: `the program fails: ${thrownIn(thrown)}`,
      ...placeIn(thrown, run),
      mend: "git status tells what differs from the version; MEM0_DEBUG=1 shows all that the engine said",
    }),
  },
  {
    ownOnly: true,
    sign: /invalid YAML file: (.*)|yaml: (.*)/,
    tell: (found, run) => ({
      what: `a YAML file cannot be read: ${found[1] ?? found[2]}`,
      where: `${path.join(run.checkout, "Pulumi.yaml")} or ${stackFile(run)}`,
      mend: "edit it, then the same command again",
    }),
  },
  {
    sign: /could not load.*project|project names may only|no Pulumi\.yaml project file/,
    tell: (found, { checkout }) => ({
      what: `the project file cannot be used: ${found[0]}`,
      where: path.join(checkout, "Pulumi.yaml"),
      mend: "put it back: git checkout Pulumi.yaml",
    }),
  },
  {
    sign: /(?:update|preview|destroy|refresh) canceled|was killed with SIG(?:INT|TERM|HUP)|terminated by signal/i,
    tell: () => ({
      what: "interrupted; the same command goes on from here",
      mend: "the same command again",
      exitCode: ExitCode.interrupted,
    }),
  },
  {
    sign: /was killed with (SIG\w+)/,
    tell: ([, signal]) => ({
      what: `Pulumi was killed (${signal}): by the system when it lacked memory, or by a person`,
      mend: "the same command again: it goes on from where it came to",
    }),
  },
];

/**
 * What a person is told of a failure of the engine: what failed, where, and what mends it; never its whole output.
 *
 * @param told errors that the engine reported while it ran, each once
 * @param mend what to try when it is none of the kinds that are known
 */
export function engineFailure(
  cause: unknown,
  run: FailedRun,
  { told = [], mend = "./mem0 doctor" }: { told?: readonly string[]; mend?: string } = {},
): unknown {
  if (!(cause instanceof CommandError || cause instanceof ExecaError)) return cause;
  const said = told.length > 0 ? told.join("\n") : errorsIn(cause.message);
  // Some signs are only in the whole: a signal, a lock's holder.
  for (const text of [said, cause.message]) {
    for (const { sign, tell, ownOnly } of KINDS) {
      if (ownOnly === true && told.length > 0) continue;
      const found = sign.exec(text);
      if (found === null) continue;
      const { what, ...rest } = tell(found, run);
      return new Problem(what, { ...rest, cause });
    }
  }
  return new Problem(said === "" ? "Pulumi failed and did not say why" : said, {
    mend: `${mend}; MEM0_DEBUG=1 shows all that the engine said`,
    cause,
  });
}

/** The whole line in which a sign stands. */
function lineOf({ input, index }: RegExpExecArray): string {
  return (
    input
      .slice(input.lastIndexOf("\n", index) + 1)
      .split("\n")[0]
      ?.trim() ?? ""
  );
}

/** What the command says after `error:`, with the lines that are indented below it. */
function errorsIn(message: string): string {
  const stderr = /\n ?stderr: ([\s\S]*?)(?:\n err\?: |$)/.exec(message)?.[1] ?? message;
  const found: string[] = [];
  let within = false;
  for (const line of stderr.split("\n")) {
    const error = /^error: (.*)/.exec(line)?.[1];
    if (error !== undefined) found.push(error);
    else if (within && /^\s+\S/.test(line)) found.push(line);
    within = error !== undefined || (within && /^\s+\S/.test(line));
  }
  return found.join("\n");
}

/** The line that says what was thrown, without the lines that say through where. */
function thrownIn(text: string): string {
  const lines = text.split("\n").map((line) => line.trim());
  return lines.find((line) => /^(?:\w*Error|Uncaught)\b/.test(line)) ?? lines[0] ?? "";
}

/** The first line of the checkout that it was thrown through. */
function placeIn(text: string, { checkout }: FailedRun): { where?: string } {
  const places = [...text.matchAll(/(?:file:\/\/)?(\/[^\s()]+?:\d+(?::\d+)?)/g)].map(
    ([, place = ""]) => place,
  );
  const where = places.find((place) => place.startsWith(checkout) && !place.includes("/node_modules/"));
  return where === undefined ? {} : { where };
}
