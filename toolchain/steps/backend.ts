import { chmodSync, existsSync, mkdirSync, statSync } from "node:fs";
import { requireOwnDirectory } from "../../ops/base/own-directory.ts";
import { Problem } from "../../ops/base/problem.ts";
import { stateLayout } from "../layout.ts";
import { type Host, type Part, SETUP, type Step } from "./step.ts";

const NAME = "state directory";

/** Where Pulumi keeps what it deployed, and the stacks their secrets: for the user's eyes only. */
export const backend: Step = {
  name: NAME,

  async inspect({ stateHome, user }): Promise<Part> {
    for (const directory of directories(stateHome)) {
      const found = statSync(directory, { throwIfNoEntry: false });
      if (found === undefined) return { name: NAME, state: "missing", detail: directory, mend: SETUP };
      if (!found.isDirectory()) {
        return {
          name: NAME,
          state: "wrong",
          detail: `${directory} is no directory`,
          mend: `mv it away, then: ${SETUP}`,
        };
      }
      if (found.uid !== user.uid) {
        return {
          name: NAME,
          state: "wrong",
          detail: `${directory} belongs to another user (uid ${found.uid})`,
          mend: "run ./mem0 as that user, or set MEM0_HOME to a directory of your own",
        };
      }
      if ((found.mode & 0o077) !== 0) {
        return { name: NAME, state: "wrong", detail: `${directory} is open to other users`, mend: SETUP };
      }
    }
    try {
      requireOwnDirectory(stateHome, "the state directory", user.uid);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const { message: detail, mend = SETUP } = error;
      return { name: NAME, state: "wrong", detail: `${stateHome}: ${detail}`, mend };
    }
    return { name: NAME, state: "there", detail: stateHome };
  },

  async ensure(host): Promise<void> {
    for (const directory of directories(host.stateHome)) {
      makePrivate(directory, host);
    }
  },
};

function directories(stateHome: string): string[] {
  return [stateHome, stateLayout(stateHome).backend];
}

function makePrivate(directory: string, { user }: Host): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (existsSync(directory) && statSync(directory).uid === user.uid) chmodSync(directory, 0o700);
  } catch (cause) {
    throw new Problem(`the state directory cannot be made (${(cause as NodeJS.ErrnoException).code})`, {
      where: directory,
      mend: `set MEM0_HOME to a directory that you may write to, then: ${SETUP}`,
      cause,
    });
  }
}
