import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { execa } from "execa";
import { buildContexts } from "../../../components/build-context.ts";
import { imageTag } from "../../../components/images.ts";
import type { BuiltService } from "../../../config/names.ts";
import { readMachine } from "../../../ops/stack/machine-file.ts";
import { CHECKOUT } from "../../../toolchain/layout.ts";
import { waitFor } from "../../harness/support/eventually.ts";

export interface RunOptions {
  image: string;
  /** `uid:gid`. */
  user?: string;
  env?: Record<string, string>;
  /** As `docker run --volume` takes them. */
  volumes?: string[];
  tmpfs?: string[];
  /** Ports to publish on a free port of the loopback address. */
  ports?: number[];
  /** More options of `docker run`. */
  options?: string[];
  /** What follows the image's name. */
  args?: string[];
}

export interface Ended {
  exitCode: number | undefined;
  output: string;
}

/** Containers, volumes and files that one test file makes, with a name of their own, and removes. */
export class Workbench {
  readonly #prefix = `image-test-${process.pid}-${Date.now().toString(36)}`;
  readonly #directory = mkdtempSync(path.join(os.tmpdir(), "image-test-"));
  #made = 0;

  /**
   * The image that the program makes of `services/<service>`, which a stack on this machine may have made already. The
   * base image is this machine's, or MEM0_BASE_IMAGE.
   */
  async image(service: BuiltService): Promise<string> {
    const baseImage = process.env.MEM0_BASE_IMAGE ?? readMachine(CHECKOUT).baseImage;
    const context = buildContexts(CHECKOUT, baseImage)[service];
    const tag = imageTag(service, context);
    if ((await docker("image", "ls", "--quiet", tag)) === "") {
      const directory = path.join(CHECKOUT, context.directory);
      await docker("build", "--build-arg", `BASE_IMAGE=${baseImage}`, "--tag", tag, directory);
    }
    return tag;
  }

  /** A directory on the host that a container of any user may write to. */
  directory(): string {
    const directory = path.join(this.#directory, `d${this.#made++}`);
    mkdirSync(directory);
    chmodSync(directory, 0o777);
    return directory;
  }

  /** A file that a container of any user may read; `write` again to change what running containers see. */
  secret(content: string, mode = 0o444): { file: string; write(content: string): void } {
    const file = path.join(this.#directory, `secret${this.#made++}`);
    const write = (text: string) => writeFileSync(file, text);
    write(content);
    chmodSync(file, mode);
    return { file, write };
  }

  /** A volume that does not exist yet: Docker makes it from what the image has at the mount point. */
  volume(): string {
    return `${this.#prefix}-v${this.#made++}`;
  }

  /** Starts a container as a stack does: read-only, without capabilities or ways to more privileges. */
  async start(options: RunOptions): Promise<Container> {
    const name = `${this.#prefix}-c${this.#made++}`;
    await docker("run", "--detach", "--name", name, ...runArguments(options));
    return new Container(name);
  }

  /** Runs a container to its end. */
  async run(options: RunOptions): Promise<Ended> {
    const name = `${this.#prefix}-c${this.#made++}`;
    const { exitCode, all } = await execa(
      "docker",
      ["run", "--rm", "--name", name, ...runArguments(options)],
      {
        all: true,
        reject: false,
        timeout: 120_000,
      },
    );
    return { exitCode, output: all };
  }

  async remove(): Promise<void> {
    const own = ["--filter", `name=${this.#prefix}`];
    const containers = await docker("ps", "--all", "--quiet", ...own);
    if (containers) await docker("rm", "--force", ...containers.split("\n"));
    const volumes = await docker("volume", "ls", "--quiet", ...own);
    if (volumes) await docker("volume", "rm", ...volumes.split("\n"));
    rmSync(this.#directory, { recursive: true });
  }
}

export class Container {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  /** Standard output of a command in the container; an error when it fails. */
  exec(...command: string[]): Promise<string> {
    return docker("exec", this.name, ...command);
  }

  /** The same, for commands that are meant to fail. */
  async tryExec(command: string[], env: Record<string, string> = {}): Promise<Ended> {
    const { exitCode, all } = await execa(
      "docker",
      ["exec", ...Object.entries(env).flatMap(([k, v]) => ["--env", `${k}=${v}`]), this.name, ...command],
      { all: true, reject: false },
    );
    return { exitCode, output: all };
  }

  /** All that the container has logged, of both streams. */
  async logs(): Promise<string> {
    return (await execa("docker", ["logs", this.name], { all: true })).all;
  }

  async inspect<T>(format: string): Promise<T> {
    return JSON.parse(await docker("inspect", "--format", `{{json ${format}}}`, this.name)) as T;
  }

  /** Polls `command` in the container until it succeeds; fails at once when the container ends. */
  async untilSucceeds(...command: string[]): Promise<void> {
    await waitFor(`${command.join(" ")} in ${this.name}`, async () => {
      if ((await this.tryExec(command)).exitCode === 0) return true;
      await this.mustRun();
      return false;
    });
  }

  /** An error, with the logs, when the container has ended. */
  async mustRun(): Promise<void> {
    if (await this.inspect<boolean>(".State.Running")) return;
    throw new Error(`the container ended:\n${await this.logs()}`);
  }

  async publishedPort(port: number): Promise<number> {
    const address = await docker("port", this.name, `${port}/tcp`);
    return Number(address.slice(address.lastIndexOf(":") + 1));
  }

  kill(): Promise<string> {
    return docker("kill", this.name);
  }

  startAgain(): Promise<string> {
    return docker("start", this.name);
  }

  /** The exit code; 137 when it had to be killed after `graceSeconds`. */
  async stop(graceSeconds: number): Promise<number> {
    await docker("stop", "--time", String(graceSeconds), this.name);
    return this.inspect<number>(".State.ExitCode");
  }

  remove(): Promise<string> {
    return docker("rm", "--force", this.name);
  }
}

/** Bytes of an image, all layers together. */
export async function imageSize(image: string): Promise<number> {
  return Number(await docker("image", "inspect", "--format", "{{.Size}}", image));
}

function runArguments(options: RunOptions): string[] {
  return [
    ...["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"],
    ...(options.user ? ["--user", options.user] : []),
    ...Object.entries(options.env ?? {}).flatMap(([key, value]) => ["--env", `${key}=${value}`]),
    ...(options.volumes ?? []).flatMap((volume) => ["--volume", volume]),
    ...(options.tmpfs ?? []).flatMap((target) => ["--tmpfs", target]),
    ...(options.ports ?? []).flatMap((port) => ["--publish", `127.0.0.1::${port}`]),
    ...(options.options ?? []),
    options.image,
    ...(options.args ?? []),
  ];
}

async function docker(...args: string[]): Promise<string> {
  return (await execa("docker", args)).stdout;
}
