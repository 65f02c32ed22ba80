import { PLUGIN_NAMES } from "../plugins/install.ts";
import { backend } from "./backend.ts";
import { baseImage } from "./base-image.ts";
import { docker } from "./docker.ts";
import { machine } from "./machine.ts";
import { node } from "./node.ts";
import { passphrase } from "./passphrase.ts";
import { plugin } from "./plugin.ts";
import { pulumi } from "./pulumi.ts";
import type { Step } from "./step.ts";

/**
 * All parts, in chains: the steps of a chain follow each other, and the two chains in the middle need nothing of
 * each other as long as Go is on the machine.
 */
export const CHAINS = {
  first: [node, backend, passphrase],
  engine: [docker, baseImage],
  tools: [pulumi, ...PLUGIN_NAMES.map(plugin)],
  last: [machine],
} as const satisfies Record<string, readonly Step[]>;

/** The parts in the order in which a person reads about them. */
export const STEPS: readonly Step[] = [...CHAINS.first, ...CHAINS.engine, ...CHAINS.tools, ...CHAINS.last];
