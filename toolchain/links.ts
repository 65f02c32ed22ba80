import { mkdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from "node:fs";
import path from "node:path";

/** Points the link at `target` in one step: whoever looks sees the old one or the new one. */
export function pointLink(link: string, target: string): void {
  if (linkTarget(link) === target) return;
  mkdirSync(path.dirname(link), { recursive: true });
  const draft = `${link}.${process.pid}`;
  rmSync(draft, { force: true });
  symlinkSync(target, draft);
  renameSync(draft, link);
}

/** Where a link points; nothing when there is no such link. */
export function linkTarget(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    return undefined;
  }
}
