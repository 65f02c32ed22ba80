import { Problem } from "../base/problem.ts";
import type { SealState } from "./format/seal.ts";

/** A backup whose content is about to be loaded somewhere. */
export interface Loadable {
  id: string;
  directory: string;
  sealed: SealState;
}

/** What a person has said about a backup. */
export interface Said {
  stack: string;
  /** That it is to be loaded whoever sealed it. */
  trust: boolean;
}

/** What a restore, or a drill, does with a backup that somebody else may have written. */
const MEANING = "whatever it holds would be loaded as your own data";

/**
 * Lets only a backup be loaded that this stack sealed, or that a person answers for.
 *
 * @throws Problem that says what is known of the backup, and what to do
 */
export function requireTrusted({ id, directory, sealed }: Loadable, { stack, trust }: Said): void {
  if (sealed === "this-stack" || trust) return;
  const said: Record<Exclude<SealState, "this-stack">, { what: string; mend: string }> = {
    another: {
      what: `backup ${id} is sealed with a key that is not stack ${stack}'s: ${MEANING}`,
      mend:
        "is it of a stack that you had before? --seal-key FILE, with the copy of that stack's secrets/seal_key; " +
        "if you know who made it, and that nobody else could write to it: the same command with --trust",
    },
    changed: {
      what: `backup ${id} was CHANGED after stack ${stack} sealed it: ${MEANING}, and somebody has written to it`,
      mend:
        `take another one: ./mem0 backups ${stack}; ` +
        "--trust loads it all the same, for when you know who changed what, and there is no other",
    },
    unsealed: {
      what: `backup ${id} bears no seal, so nothing tells who made it: ${MEANING}`,
      mend:
        "backups from before there were seals have none, and those of the old guide; " +
        "if it is one of these and nobody else could write to it: the same command with --trust",
    },
  };
  throw new Problem(said[sealed].what, { where: directory, mend: said[sealed].mend });
}

/** What a report of a restore says of a backup that a person answered for; nothing for one of the stack's own. */
export function takenOnTrust(sealed: SealState): string[] {
  const said: Record<SealState, string[]> = {
    "this-stack": [],
    another: ["another stack sealed it: that it is what it should be is taken on your word"],
    changed: [
      "it was changed after this stack sealed it: that it is what it should be is taken on your word",
    ],
    unsealed: ["no seal: that nobody else wrote to it is taken on your word"],
  };
  return said[sealed];
}
