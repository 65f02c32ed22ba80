/**
 * Whether a file is one that macOS puts into directories by itself: `.DS_Store`, where somebody looked into it with the
 * Finder, and `._NAME` beside NAME on a disk that keeps no extended attributes (exFAT, network disks).
 */
export function isFinderFile(name: string): boolean {
  return name === ".DS_Store" || name.startsWith("._");
}
