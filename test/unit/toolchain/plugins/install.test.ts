import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { beforeEach, expect, test } from "vitest";
import { installStandIns, MARKER, PLUGIN_NAMES } from "../../../../toolchain/plugins/install.ts";

const checkout = path.resolve(import.meta.dirname, "../../../..");
let pulumiHome: string;

beforeEach(async () => {
  pulumiHome = await mkdtemp(path.join(tmpdir(), "it's a home-"));
  return () => rm(pulumiHome, { recursive: true });
});

const install = (node = process.execPath) =>
  installStandIns({ checkout, pulumiHome, node, names: PLUGIN_NAMES });

test("each plugin is installed where Pulumi looks for it, in the version of its npm package", async () => {
  const installed = await install();
  expect(installed.map(({ name, way, changed }) => ({ name, way, changed }))).toEqual(
    PLUGIN_NAMES.map((name) => ({ name, way: "stand-in", changed: true })),
  );
  for (const { name, version, directory } of installed) {
    const publisher = name === "grafana" ? "@pulumiverse" : "@pulumi";
    const { default: manifest } = await import(`${publisher}/${name}/package.json`, {
      with: { type: "json" },
    });
    expect(version).toBe(manifest.pulumi.version);
    expect(directory).toBe(path.join(pulumiHome, "plugins", `resource-${name}-v${version}`));
    expect((await readdir(directory)).sort()).toEqual([MARKER, `pulumi-resource-${name}`]);
    const wrapper = path.join(directory, `pulumi-resource-${name}`);
    expect((await stat(wrapper)).mode & 0o777).toBe(0o755);
    expect(await readFile(wrapper, "utf8")).toContain(
      path.join(checkout, "toolchain", "plugins", name, "main.ts"),
    );
  }
});

test("installing again changes nothing, and another node or checkout is taken over", async () => {
  await install();
  expect((await install()).some(({ changed }) => changed)).toBe(false);
  const moved = await install("/somewhere/it's/node");
  expect(moved.every(({ changed }) => changed)).toBe(true);
  const [first] = moved;
  const wrapper = await readFile(path.join(first?.directory ?? "", "pulumi-resource-docker"), "utf8");
  expect(wrapper).toContain(`exec '/somewhere/it'\\''s/node' `);
});

test("an official plugin that is there is left alone", async () => {
  const [docker] = await install();
  const directory = docker?.directory ?? "";
  await rm(directory, { recursive: true });
  await mkdir(directory);
  const binary = path.join(directory, "pulumi-resource-docker");
  await writeFile(binary, "\u007fELF");
  expect(await install()).toContainEqual(
    expect.objectContaining({ name: "docker", way: "official", changed: false }),
  );
  expect(await readFile(binary, "utf8")).toBe("\u007fELF");
  expect(await readdir(directory)).toEqual(["pulumi-resource-docker"]);
});

test("an official download that was cut off is no plugin", async () => {
  const [docker] = await install();
  const directory = docker?.directory ?? "";
  await rm(path.join(directory, MARKER));
  await writeFile(`${directory}.partial`, "");
  expect(await install()).toContainEqual(
    expect.objectContaining({ name: "docker", way: "stand-in", changed: true }),
  );
  expect(await readdir(path.dirname(directory))).not.toContain(`${path.basename(directory)}.partial`);
});
