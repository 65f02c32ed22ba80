import { readdirSync, writeFileSync } from "node:fs";
import path from "node:path";

/** First bytes of an AppleDouble file, which macOS writes beside a file where it cannot keep extended attributes. */
const APPLE_DOUBLE = Buffer.from("00051607000200004d6163204f532058", "hex");

/** Leaves in `directory` what macOS leaves there: `.DS_Store`, and `._NAME` beside every entry. */
export function leaveFinderFiles(directory: string): void {
  for (const name of readdirSync(directory)) writeFileSync(path.join(directory, `._${name}`), APPLE_DOUBLE);
  writeFileSync(path.join(directory, ".DS_Store"), "Bud1");
}
