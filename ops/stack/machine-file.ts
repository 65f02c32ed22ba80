import { readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { ExitCode, Problem } from "../base/problem.ts";

/** How a tool came to this machine: the vendor's own way, built from package registries, or already there. */
const way = z.enum(["official", "registries", "found"]);
export type Way = z.output<typeof way>;

const tool = z.strictObject({ version: z.string(), way });

/** What set-up found out about this machine. Written by `./mem0 setup`, read by the program; holds no secret. */
export const machineSchema = z.strictObject({
  version: z.literal(1),
  platform: z.enum(["linux", "darwin"]),
  docker: z.strictObject({ host: z.string().startsWith("unix://") }),
  /** Where base images come from: an image registry, or Debian's packages. */
  images: z.enum(["registry", "packages"]),
  /** Tag of the local image that all our images are built on. */
  baseImage: z.string(),
  /** User that all containers run as, so that they can read their 0600 secret files. */
  runAs: z.strictObject({ uid: z.int().min(1), gid: z.int().min(0) }),
  /** Directory of backend, passphrase, manifests and secret files. */
  stateHome: z.string().startsWith("/"),
  tools: z.strictObject({ node: tool, pulumi: tool, plugins: z.record(z.string(), tool) }),
});

export type Machine = z.output<typeof machineSchema>;

/** The machine file of a checkout, relative to it. */
export const MACHINE_FILE = ".toolchain/machine.json";

/** Reads what set-up wrote; the error says to run set-up when there is nothing usable. */
export function readMachine(checkout: string): Machine {
  const file = path.join(checkout, MACHINE_FILE);
  try {
    return machineSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (cause) {
    throw new Problem("this machine is not set up; run: ./mem0 setup", {
      where: file,
      exitCode: ExitCode.notSetUp,
      cause,
    });
  }
}
