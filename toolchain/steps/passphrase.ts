import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { makeAppear } from "../../ops/base/appear.ts";
import { Problem } from "../../ops/base/problem.ts";
import { stateLayout } from "../layout.ts";
import { type Part, SETUP, type Step } from "./step.ts";

const NAME = "passphrase";

/** Entropy of the passphrase, in bytes. */
const RANDOM_BYTES = 32;

/** The key of every secret in Pulumi's state. Made once; never replaced, and never made beside a state it cannot open. */
export const passphrase: Step = {
  name: NAME,

  async inspect({ stateHome, user }): Promise<Part> {
    const file = stateLayout(stateHome).passphrase;
    const found = statSync(file, { throwIfNoEntry: false });
    if (found === undefined) {
      const stacks = existingStacks(stateHome);
      if (stacks.length === 0) return { name: NAME, state: "missing", detail: file, mend: SETUP };
      return { name: NAME, state: "wrong", detail: lost(stacks), mend: wayOut(file) };
    }
    if (found.uid !== user.uid) {
      const detail = `${file} belongs to another user (uid ${found.uid})`;
      return { name: NAME, state: "wrong", detail, mend: "run ./mem0 as that user, or set MEM0_HOME" };
    }
    if ((found.mode & 0o077) !== 0) {
      return { name: NAME, state: "wrong", detail: `${file} can be read by other users`, mend: SETUP };
    }
    if (readFileSync(file, "utf8").trim() === "") {
      return { name: NAME, state: "wrong", detail: `${file} is empty`, mend: wayOut(file) };
    }
    return { name: NAME, state: "there", detail: file };
  },

  async ensure(host): Promise<void> {
    const file = stateLayout(host.stateHome).passphrase;
    if (existsSync(file)) {
      if (statSync(file).uid === host.user.uid) chmodSync(file, 0o600);
      return;
    }
    const stacks = existingStacks(host.stateHome);
    if (stacks.length > 0) throw new Problem(lost(stacks), { where: file, mend: wayOut(file) });
    if (makeAppear(file, `${randomBytes(RANDOM_BYTES).toString("base64url")}\n`)) {
      host.note(
        `A passphrase was made: ${file}\n` +
          "It opens the secrets in Pulumi's state. Nobody can make it again: copy it to a safe place now. " +
          "Without it the stacks can no longer be changed.",
      );
    }
  },
};

/** Stacks that Pulumi's file backend knows, as `project/stack`; older backends have no projects. */
export function existingStacks(stateHome: string): string[] {
  const root = path.join(stateLayout(stateHome).backend, ".pulumi", "stacks");
  if (!existsSync(root)) return [];
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.json(\.gz)?$/.test(file))
    .map((file) => file.replace(/\.json(\.gz)?$/, ""))
    .sort();
}

const lost = (stacks: readonly string[]) =>
  `the passphrase is gone, and the state of ${stacks.join(", ")} cannot be opened without it`;

const wayOut = (file: string) =>
  `put the copy that you kept at ${file}; without one: keep the data, move ${path.join(path.dirname(file), "pulumi")} away, and ${SETUP} begins anew`;
