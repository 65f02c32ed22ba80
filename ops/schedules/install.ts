// What `pulumi up` and `destroy` run for each unit: install.ts install | remove, with the unit in UNIT.
import { mkdirSync } from "node:fs";
import { Problem } from "../base/problem.ts";
import { isHolderAlive, readHolder } from "../base/process-lock.ts";
import { keepsRunning, managerOf, thisOwner } from "./managers.ts";
import { lockOf, noteInstalled, noteRemoved } from "./record.ts";
import { outputDirectory, type Unit } from "./units/unit.ts";

try {
  const unit = JSON.parse(process.env.UNIT ?? "") as Unit;
  const manager = managerOf(unit.manager, thisOwner());
  if (process.argv[2] === "remove") {
    await manager.remove(unit);
    noteRemoved(unit.directory, unit.job);
  } else {
    // No manager makes it, and none starts anything whose output it cannot write.
    mkdirSync(outputDirectory(unit.directory), { recursive: true, mode: 0o700 });
    noteInstalled(unit.directory, unit.job, unit.when, new Date());
    await manager.install(unit);
  }
  // Nobody else ends it; what is still wanted is started again with what is deployed now.
  if (keepsRunning(unit)) end(unit);
} catch (error) {
  process.stderr.write(`${error instanceof Problem ? error.render() : String(error)}\n`);
  process.exitCode = 1;
}

function end({ directory, job }: Unit): void {
  const holder = readHolder(lockOf(directory, job));
  if (holder !== undefined && isHolderAlive(holder)) process.kill(holder.pid, "SIGTERM");
}
