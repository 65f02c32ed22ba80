/**
 * Whether the embedded model works on arm64 as on amd64: all its wheels are there for arm64 with the hashes of the lock
 * file, and under emulation the vectors are those of this machine's own image, which MEM0_IMAGE_MODEL names. Takes two
 * minutes; installs what it wants as root on Debian.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { execa } from "execa";
import { z } from "zod";
import { mirrors, mmdebstrapSources } from "../../../toolchain/base-image/recipe.ts";
import { CHECKOUT } from "../../../toolchain/layout.ts";
import { installPackages } from "../../../toolchain/steps/docker.ts";

/** Emulated, a sentence takes some three seconds. */
const SENTENCES = 12;

/** Measured were 0.9997 and more: the engines of the two processors round differently. */
const LEAST_COSINE = 0.999;

const MODEL = path.join(CHECKOUT, "services", "model");

/** Debian trixie has Python 3.13 and glibc 2.41; wheels name the oldest glibc that they run on. */
const WHEELS = [
  ...["manylinux2014", "manylinux_2_17", "manylinux_2_27", "manylinux_2_28", "manylinux_2_34"].flatMap(
    (name) => ["--platform", `${name}_aarch64`],
  ),
  ...["--python-version", "313", "--implementation", "cp", "--only-binary", ":all:"],
  ...["--require-hashes", "--no-deps", "--no-compile"],
];

const answer = z.object({ machine: z.string(), vectors: z.array(z.array(z.number())) });

const work = mkdtempSync(path.join(os.tmpdir(), "mem0-arm64-"));
const at = (...parts: string[]) => path.join(work, ...parts);
try {
  const wanted = ["mmdebstrap", "qemu-user-static", "python3-venv"];
  if ((await execa("dpkg", ["--status", ...wanted], { reject: false })).failed) {
    await installPackages(wanted, console.log);
  }
  const input = JSON.stringify(sentences());
  const program = path.join(MODEL, "tests", "embed_texts.py");
  console.log("fetching the model's wheels for arm64");
  await execa("python3", ["-m", "venv", at("pip")]);
  const wheels = [...WHEELS, "--target", at("site"), "-r", path.join(MODEL, "requirements.lock")];
  await execa(at("pip", "bin", "pip"), ["install", "--quiet", ...wheels]);
  console.log("fetching Debian's Python for arm64");
  const packages = "--include=python3-minimal,libpython3-stdlib,libstdc++6";
  const sources = mmdebstrapSources(mirrors(process.env));
  const root = ["--quiet", "--variant=extract", "--architectures=arm64", packages, "trixie", at("root")];
  await execa("mmdebstrap", [...root, ...sources]);
  console.log(`embedding ${SENTENCES} sentences on both`);
  const usr = at("root", "usr");
  const set = (name: string, value: string) => ["-E", `${name}=${value}`];
  const emulated = await execa(
    "qemu-aarch64-static",
    [
      ...["-L", usr],
      ...set("LD_LIBRARY_PATH", path.join(usr, "lib", "aarch64-linux-gnu")),
      ...set("PYTHONHOME", usr),
      ...set("PYTHONPATH", [at("site"), MODEL].join(path.delimiter)),
      ...set("PYTHONDONTWRITEBYTECODE", "1"),
      ...[path.join(usr, "bin", "python3.13"), program],
    ],
    { input },
  );
  const image = process.env.MEM0_IMAGE_MODEL ?? "";
  const mount = ["--volume", `${program}:/program.py:ro`, "--network", "none"];
  const native = await execa(
    "docker",
    ["run", "--rm", "--interactive", ...mount, "--entrypoint", "python", image, "/program.py"],
    { input },
  );
  const [one, other] = [emulated, native].map(({ stdout }) => answer.parse(JSON.parse(stdout)));
  if (one === undefined || other === undefined || one.machine !== "aarch64") throw new Error("not emulated");
  const cosines = one.vectors.map((vector, index) => product(vector, other.vectors[index] ?? []));
  const least = Math.min(...cosines);
  console.log(`arm64 beside ${other.machine}: the least cosine of ${cosines.length} is ${least.toFixed(5)}`);
  if (!(least >= LEAST_COSINE)) throw new Error(`vectors differ: cosine ${least}, not ${LEAST_COSINE}`);
} finally {
  rmSync(work, { recursive: true, force: true });
}

function sentences(): string[] {
  const lines = readFileSync(path.join(MODEL, "tests", "data", "sentences.jsonl"), "utf8").split("\n");
  return lines.slice(0, SENTENCES).map((line) => z.object({ text: z.string() }).parse(JSON.parse(line)).text);
}

/** Of unit vectors, their cosine. */
function product(one: readonly number[], other: readonly number[]): number {
  return one.reduce((sum, value, index) => sum + value * (other[index] ?? Number.NaN), 0);
}
