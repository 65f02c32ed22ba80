import { chmod, mkdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { engine, forPeople, required, unless } from "./engine.ts";

/**
 * Tells a Prometheus that runs in a container of its own about the stack (`register`), or takes that back (`withdraw`).
 * Files are written under a name that no `*.yml` pattern takes up, checked by that very Prometheus through its mount,
 * and renamed; then it reads its configuration again. Without a running Prometheus, or one that has the directory
 * mounted, they are written and wait for it. Prints how far it came.
 */

const directory = required("DIRECTORY");
const container = engine.getContainer(required("CONTAINER"));
const FILES = ["scrape.yml", "rules.yml"];
const fresh = (file: string) => `${file}.new`;

await forPeople(process.argv[2] === "withdraw" ? withdraw : register);

async function register(): Promise<void> {
  process.stdout.write(await reached());
}

async function reached(): Promise<string> {
  const mounted = required("MOUNTED");
  await write(required("SCRAPE"), required("RULES"));
  if (process.env.RUNNING !== "true") return publish("absent");
  if (!(await succeeds("test", "-e", `${mounted}/${fresh("rules.yml")}`))) return publish("not-mounted");
  const accepted =
    (await succeeds("promtool", "check", "rules", `${mounted}/${fresh("rules.yml")}`)) &&
    (await succeeds("promtool", "check", "config", `${mounted}/${fresh("scrape.yml")}`));
  if (!accepted) {
    for (const file of FILES) await rm(path.join(directory, fresh(file)), { force: true });
    throw new Error(`${required("CONTAINER")} refuses the files: see above; what it had stays`);
  }
  await publish("");
  await container.kill({ signal: "HUP" });
  const included = await succeeds("grep", "-q", mounted, "/etc/prometheus/prometheus.yml");
  return included ? "registered" : "not-included";
}

async function withdraw(): Promise<void> {
  for (const file of FILES) await rm(path.join(directory, file), { force: true });
  // 404, 409: it is gone, or does not run.
  await unless([404, 409], container.kill({ signal: "HUP" }));
}

async function write(...contents: string[]): Promise<void> {
  // Whoever the Prometheus runs as has to read them.
  await mkdir(directory, { recursive: true });
  await chmod(directory, 0o755);
  for (const [index, file] of FILES.entries()) {
    const target = path.join(directory, fresh(file));
    await writeFile(target, contents[index] ?? "");
    await chmod(target, 0o644);
  }
}

async function publish(how: string): Promise<string> {
  for (const file of FILES) await rename(path.join(directory, fresh(file)), path.join(directory, file));
  return how;
}

/** Runs a command in the container; what it prints goes to our standard error. */
async function succeeds(...command: string[]): Promise<boolean> {
  // A terminal makes one stream of its two outputs.
  const options = { Cmd: command, AttachStdout: true, AttachStderr: true, Tty: true };
  // 404, 409: it went away or stopped meanwhile.
  const exec = await unless([404, 409], container.exec(options));
  if (exec === undefined) return false;
  for await (const piece of await exec.start({ Tty: true })) process.stderr.write(piece);
  return (await exec.inspect()).ExitCode === 0;
}
