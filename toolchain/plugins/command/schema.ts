import { anything, flag, list, map, oneOf, refused, type Schema, text, updated } from "../schema/schema.ts";

/** command:local:Command as the official plugin 1.2 has it. */
export const COMMAND: Schema = {
  create: updated(text()),
  update: updated(text()),
  delete: updated(text()),
  interpreter: updated(list(text())),
  dir: updated(text()),
  environment: updated(map(text())),
  stdin: updated(text()),
  logging: updated(oneOf("stdout", "stderr", "stdoutAndStderr", "none")),
  addPreviousOutputInEnv: updated(flag()),
  triggers: { kind: list(anything()), onChange: "replace", absent: null },
  assetPaths: refused(null),
  archivePaths: refused(null),
};
