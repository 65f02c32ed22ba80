import { existsSync, statfsSync } from "node:fs";
import path from "node:path";
import type Docker from "dockerode";
import { Problem } from "../../ops/base/problem.ts";
import { connectDocker } from "../../ops/docker/client.ts";
import { machineCertificates } from "../base-image/certificates.ts";
import { bootstrapOrigin, buildBaseImage, hasImage, pullOrigin } from "../base-image/image.ts";
import { baseImageTag, mirrors, type Recipe, readContextFiles } from "../base-image/recipe.ts";
import { toolchainLayout } from "../layout.ts";
import { getByWay } from "../ways.ts";
import { installPackages, locateEngine } from "./docker.ts";
import { type Host, type Part, type Report, SETUP, type Step } from "./step.ts";

const NAME = "base image";

/** Room for the images of all services and what their builds leave behind: 2.3 GB of images, twice, and slack. */
const NEEDED_BYTES = 6 * 1024 ** 3;

/** The image that all images of this project are built on. */
export const baseImage: Step = {
  name: NAME,

  async inspect(host): Promise<Part> {
    const engine = await locateEngine(host);
    if (engine.state !== "there")
      return { name: NAME, state: "missing", detail: "there is no Docker engine yet", mend: SETUP };
    const found = await findBaseImage(host, connectDocker(engine.host));
    if (found !== undefined)
      return { name: NAME, state: "there", version: "trixie", way: found.way, detail: found.tag };
    const full = tooFull(engine.dataRoot);
    if (full !== undefined)
      return { name: NAME, state: "wrong", detail: full.message, mend: full.mend ?? SETUP };
    return {
      name: NAME,
      state: "missing",
      detail: "not built for this machine's certificates yet",
      mend: SETUP,
    };
  },

  async ensure(host, report): Promise<void> {
    const engine = await locateEngine(host);
    if (engine.state !== "there") throw new Problem("there is no Docker engine to build the base image with");
    const full = tooFull(engine.dataRoot);
    if (full !== undefined) throw full;
    const docker = connectDocker(engine.host);
    const registry = async () => ((await docker.info()) as { IndexServerAddress: string }).IndexServerAddress;
    await getByWay(host.way, async () => host.vendors.images(await registry()), report, {
      official: () => make(host, docker, "official", report),
      registries: () => make(host, docker, "registries", report),
    });
  },
};

/** The base image that is there for this machine's recipe, the wished way first. */
export async function findBaseImage(
  host: Host,
  docker: Docker,
): Promise<{ tag: string; way: Recipe["way"] } | undefined> {
  const ways: Recipe["way"][] =
    host.way === "registries" ? ["registries", "official"] : ["official", "registries"];
  for (const way of ways) {
    const tag = baseImageTag(await recipeFor(host, way));
    if (await hasImage(docker, tag)) return { tag, way };
  }
  return undefined;
}

async function recipeFor({ env, platform }: Host, way: Recipe["way"]): Promise<Recipe> {
  return {
    files: readContextFiles(),
    certificates: await machineCertificates(env, platform),
    mirrors: mirrors(env),
    way,
  };
}

async function make(host: Host, docker: Docker, way: Recipe["way"], report: Report): Promise<void> {
  const recipe = await recipeFor(host, way);
  const { work } = toolchainLayout(host.checkout);
  const build = (origin: string) =>
    buildBaseImage(docker, { origin, tag: baseImageTag(recipe), recipe, work, env: host.env }, report);
  if (way === "official") return build(await pullOrigin(docker, report));
  await requireMmdebstrap(host, report);
  const origin = await bootstrapOrigin(docker, recipe, work, report);
  try {
    await build(origin);
  } finally {
    // Takes the name only: the layers are the base image's own now.
    await docker.getImage(origin).remove();
  }
}

async function requireMmdebstrap({ platform, user, env }: Host, report: Report): Promise<void> {
  const directories = (env.PATH ?? "").split(path.delimiter);
  if (directories.some((directory) => existsSync(path.join(directory, "mmdebstrap")))) return;
  if (platform === "linux" && user.uid === 0 && existsSync("/usr/bin/apt-get")) {
    return installPackages(["mmdebstrap", "debian-archive-keyring"], report);
  }
  throw new Problem(
    "Docker Hub does not answer, and building the base image from Debian's packages needs mmdebstrap",
    {
      mend:
        platform === "linux"
          ? `sudo apt-get install -y mmdebstrap debian-archive-keyring uidmap, then: ${SETUP}`
          : `connect to the Internet, then: ${SETUP}`,
    },
  );
}

/** On macOS the engine's data lie in its virtual machine, where this cannot look. */
function tooFull(dataRoot: string): Problem | undefined {
  if (!existsSync(dataRoot)) return undefined;
  const { bavail, bsize } = statfsSync(dataRoot);
  if (bavail * bsize >= NEEDED_BYTES) return undefined;
  const gib = (bytes: number) => `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
  return new Problem(`no room for images: ${gib(bavail * bsize)} free, needed: ${gib(NEEDED_BYTES)}`, {
    where: dataRoot,
    mend: "docker system df shows what takes room, docker image prune frees some",
  });
}
