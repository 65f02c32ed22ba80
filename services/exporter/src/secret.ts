import { readFile } from "node:fs/promises";
import { UnusableSecret } from "./failure.ts";

/** The first line of a secret file, read anew each time: a rotated secret is used at the next connection. */
export async function readSecret(file: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    throw new UnusableSecret(
      `the password file ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`,
    );
  }
  const secret = text.split("\n", 1)[0] ?? "";
  if (secret === "") throw new UnusableSecret(`the password file ${file} is empty`);
  return secret;
}
