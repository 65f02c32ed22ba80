import { spawnSync } from "node:child_process";

/** Whether disks can be mounted here. */
export const isRoot = process.getuid?.() === 0 && process.platform === "linux";

export const hasProgram = (name: string) => spawnSync("which", [name]).status === 0;
