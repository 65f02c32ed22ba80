import { spawn } from "node:child_process";

/**
 * Keeps a Mac from falling asleep for want of a user while `work` runs: what is under way at night would stand still, and
 * time out. `caffeinate` ends by itself should this process be killed.
 */
export async function keepAwake<T>(work: () => Promise<T>, platform = process.platform): Promise<T> {
  if (platform !== "darwin") return work();
  const waker = spawn("caffeinate", ["-i", "-w", String(process.pid)], { stdio: "ignore" });
  // A Mac always has it; without it the work is done all the same.
  waker.on("error", () => {});
  waker.unref();
  try {
    return await work();
  } finally {
    waker.kill();
  }
}
