import path from "node:path";
import { execa } from "execa";
import { buildContexts } from "../components/build-context.ts";
import { BUILT_SERVICES, type BuiltService } from "../config/names.ts";
import { readMachine } from "../ops/stack/machine-file.ts";
import { table } from "../scripts/cli/table.ts";
import { CHECKOUT } from "../toolchain/layout.ts";

/**
 * What the images cost: each one in services/ is built from nothing but the base image, one after the other, and
 * weighed. `./mem0 bench images` on a machine that is set up; with `DOCKER_BUILDKIT=1` by BuildKit, where the client
 * has it. Names of services as arguments limit it to these.
 */

/** Megabytes, from the issue that asked for the images; the whole set is to take at most eight minutes on two cores. */
const SIZE_GOALS: Partial<Record<BuiltService, number>> = {
  postgres: 400,
  neo4j: 650,
  server: 700,
  model: 400,
};
const TOTAL_GOAL_SECONDS = 8 * 60;

const given = process.argv.slice(2);
const services = BUILT_SERVICES.filter((service) => given.length === 0 || given.includes(service));
const { baseImage } = readMachine(CHECKOUT);
const contexts = buildContexts(CHECKOUT, baseImage);

const rows: string[][] = [];
let total = 0;
for (const service of services.toSorted()) {
  console.error(`building ${service} ...`);
  const tag = `mem0/${service}:bench-${process.pid}`;
  const started = performance.now();
  const build = ["build", "--no-cache", "--build-arg", `BASE_IMAGE=${baseImage}`, "--tag", tag];
  await execa("docker", [...build, path.join(CHECKOUT, contexts[service].directory)]);
  const seconds = (performance.now() - started) / 1000;
  try {
    const size = await megabytes(tag);
    const goal = SIZE_GOALS[service];
    rows.push([service, seconds.toFixed(0), size.toFixed(0), goal === undefined ? "" : `<= ${goal}`]);
  } finally {
    await execa("docker", ["image", "rm", tag]);
  }
  total += seconds;
}
rows.push(["the base image", "", (await megabytes(baseImage)).toFixed(0), "in each of them"]);
rows.push([`all, one by one (goal <= ${TOTAL_GOAL_SECONDS} s)`, total.toFixed(0), "", ""]);
console.log(table(["image", "cold build, s", "MB", "goal, MB"], rows));

async function megabytes(image: string): Promise<number> {
  const { stdout } = await execa("docker", ["image", "inspect", "--format", "{{.Size}}", image]);
  return Number(stdout) / 1e6;
}
