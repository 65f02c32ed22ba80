import { readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { ExitCode, Problem } from "../base/problem.ts";

/** How a tool came to this machine: the vendor's own way, built from package registries, or already there. */
const way = z.enum(["official", "registries", "found"]);
export type Way = z.output<typeof way>;

const tool = z.object({ version: z.string(), way });

/** Keys of a newer version are left alone, as in the manifest (config/manifest.ts). */
const VERSION = 1;

/** What set-up found out about this machine. Written by `./mem0 setup`, read by the program; holds no secret. */
export const machineSchema = z.object({
  version: z.literal(VERSION),
  platform: z.enum(["linux", "darwin"]),
  docker: z.object({ host: z.string().startsWith("unix://") }),
  /** Where base images come from: an image registry, or Debian's packages. */
  images: z.enum(["registry", "packages"]),
  /** Tag of the local image that all our images are built on. */
  baseImage: z.string(),
  /** User that all containers run as, so that they can read their 0600 secret files. */
  runAs: z.object({ uid: z.int().min(1), gid: z.int().min(0) }),
  /** Directory of backend, passphrase, manifests and secret files. */
  stateHome: z.string().startsWith("/"),
  tools: z.object({ node: tool, pulumi: tool, plugins: z.record(z.string(), tool) }),
});

export type Machine = z.output<typeof machineSchema>;

/** The machine file of a checkout, relative to it. */
export const MACHINE_FILE = ".toolchain/machine.json";

/** Reads what set-up wrote; the error says to run set-up when there is nothing usable. */
export function readMachine(checkout: string): Machine {
  const file = path.join(checkout, MACHINE_FILE);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
    return machineSchema.parse(value);
  } catch (cause) {
    const { version } = versioned.safeParse(value).data ?? {};
    const what =
      version !== undefined && version > VERSION
        ? `this machine was set up by a newer version (machine file ${version}, and this one reads ${VERSION})`
        : "this machine is not set up";
    throw new Problem(`${what}; run: ./mem0 setup`, {
      where: file,
      exitCode: ExitCode.notSetUp,
      cause,
    });
  }
}

const versioned = z.object({ version: z.int() });
