import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import type Docker from "dockerode";
import tar from "tar-fs";
import { Problem } from "../../ops/base/problem.ts";
import { run } from "../run.ts";
import { certificateFileName } from "./certificates.ts";
import { CONTEXT_FILES, mmdebstrapArguments, OFFICIAL_IMAGE, type Recipe } from "./recipe.ts";

type Report = (line: string) => void;

/** Variables that Docker passes on to a build without a trace in the image. */
const PROXY_VARIABLES = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"];

/** Fetches Debian's official image unless the engine has it. */
export async function pullOrigin(docker: Docker, report: Report): Promise<string> {
  report(`pulling ${OFFICIAL_IMAGE.split("@")[0]}`);
  try {
    if (!(await hasImage(docker, OFFICIAL_IMAGE)))
      await follow(docker, await docker.pull(OFFICIAL_IMAGE), () => undefined);
  } catch (cause) {
    throw new Problem("Debian's image could not be pulled", {
      where: OFFICIAL_IMAGE,
      mend: `docker pull ${OFFICIAL_IMAGE} shows why`,
      cause,
    });
  }
  return OFFICIAL_IMAGE;
}

/**
 * Makes a root file system from Debian's packages with mmdebstrap and imports it under a name of its own, which the
 * caller removes; `work` takes its tar file.
 */
export async function bootstrapOrigin(
  docker: Docker,
  recipe: Recipe,
  work: string,
  report: Report,
): Promise<string> {
  mkdirSync(work, { recursive: true });
  const directory = mkdtempSync(path.join(work, "rootfs-"));
  const archive = path.join(directory, "rootfs.tar");
  try {
    report("mmdebstrap: Debian trixie from its packages");
    const slim = path.join(import.meta.dirname, "dpkg-slim.conf");
    await run("mmdebstrap", mmdebstrapArguments(recipe.mirrors, slim, archive), {
      registry: "Debian",
      onLine: (line) => {
        if (line.startsWith("I: ")) report(`mmdebstrap: ${line.slice(3)}`);
      },
    });
    const [repo, tag] = ["mem0/base-rootfs", path.basename(directory).toLowerCase()];
    await follow(docker, await docker.importImage(archive, { repo, tag }), () => undefined);
    return `${repo}:${tag}`;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Builds the base image on top of `origin` and gives it its name when it is complete. */
export async function buildBaseImage(
  docker: Docker,
  options: { origin: string; tag: string; recipe: Recipe; work: string; env: NodeJS.ProcessEnv },
  report: Report,
): Promise<void> {
  const { origin, tag, recipe, work, env } = options;
  const context = writeContext(recipe, work);
  const proxies = PROXY_VARIABLES.flatMap((name) => (env[name] ? [[name, env[name]] as const] : []));
  try {
    const progress = await docker.buildImage(tar.pack(context), {
      t: tag,
      rm: true,
      forcerm: true,
      buildargs: {
        FROM_IMAGE: origin,
        ...(recipe.mirrors === undefined
          ? {}
          : { DEBIAN_MIRROR: recipe.mirrors.debian, DEBIAN_SECURITY_MIRROR: recipe.mirrors.security }),
        ...Object.fromEntries(proxies),
      },
    });
    await follow(docker, progress, onlySteps(report));
  } catch (cause) {
    throw new Problem(`the base image could not be built:\n${(cause as Error).message}`, {
      where: tag,
      cause,
    });
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
}

export async function hasImage(docker: Docker, name: string): Promise<boolean> {
  try {
    await docker.getImage(name).inspect();
    return true;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return false;
    throw error;
  }
}

/** A fresh directory with what the Dockerfile copies; the caller removes it. */
function writeContext(recipe: Recipe, work: string): string {
  mkdirSync(work, { recursive: true });
  const context = mkdtempSync(path.join(work, "base-image-"));
  for (const name of CONTEXT_FILES) cpSync(path.join(import.meta.dirname, name), path.join(context, name));
  const authorities = path.join(context, "machine-ca");
  mkdirSync(authorities);
  for (const certificate of recipe.certificates) {
    writeFileSync(path.join(authorities, certificateFileName(certificate)), certificate);
  }
  return context;
}

/** Waits for the end of a pull, import or build; an error inside its stream of events is thrown. */
export async function follow(
  docker: Docker,
  progress: NodeJS.ReadableStream,
  onLine: (line: string) => void,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(
      progress,
      (error) => (error === null || error === undefined ? resolve() : reject(error)),
      (event: { stream?: string; error?: string }) => {
        if (event.error !== undefined) reject(new Error(event.error));
        for (const line of event.stream?.split("\n") ?? []) if (line.trim() !== "") onLine(line.trim());
      },
    );
  });
}

/** Passes on which step of its Dockerfile a build is at. */
function onlySteps(report: Report): (line: string) => void {
  return (line) => {
    if (/^Step \d+/.test(line)) report(line.slice(0, 100));
  };
}
