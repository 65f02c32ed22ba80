import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { execaSync } from "execa";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { TestCheckout } from "./checkout.ts";

/** What a machine's PATH must have for `./mem0` to bring Node itself: a base system with curl. */
const BASE_SYSTEM =
  "sh curl tar gzip sha512sum shasum awk uname id date mktemp mkdir mv rm ln chmod dirname readlink cat".split(
    " ",
  );

let checkout: TestCheckout;
let registry: http.Server;
let asked: string[];
const packages = new Map<string, Buffer>();

/** A registry of two packages, small stand-ins for the real ones: a `node` that calls this one, and an `npm`. */
beforeAll(async () => {
  checkout = new TestCheckout({ withPulumi: false });
  const node = `#!/bin/sh\nexec '${process.execPath}' "$@"\n`;
  const platform = `${process.platform}-${process.arch}`;
  writeFileSync(
    path.join(checkout.root, "toolchain", "node", "pins.txt"),
    [
      `${platform} node-here 22.99.0 ${pack("node-here-22.99.0.tgz", { "bin/node": node })}`,
      `any npm 10.0.0 ${pack("npm-10.0.0.tgz", { "bin/npm-cli.js": "", "bin/npx-cli.js": "" })}`,
    ].join("\n"),
  );
  registry = http.createServer((request, response) => {
    asked.push(request.url ?? "");
    const content = packages.get(path.basename(request.url ?? ""));
    response.writeHead(content === undefined ? 404 : 200).end(content);
  });
  await new Promise<void>((resolve) => registry.listen(0, "127.0.0.1", resolve));
});

afterAll(() => {
  registry.close();
  checkout.remove();
});

beforeEach(() => {
  asked = [];
  rmSync(checkout.toolchain.root, { recursive: true, force: true });
});

/** Makes a package with these files for the registry; returns its SHA-512. */
function pack(name: string, files: Record<string, string>): string {
  const directory = path.join(checkout.parent, "packing");
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(directory, "package", file)), { recursive: true });
    writeFileSync(path.join(directory, "package", file), content);
  }
  execaSync("tar", ["-czf", "package.tgz", "package"], { cwd: directory });
  const content = readFileSync(path.join(directory, "package.tgz"));
  rmSync(directory, { recursive: true });
  packages.set(name, content);
  return createHash("sha512").update(content).digest("hex");
}

/** A directory for PATH with the base system and these programs of its own. */
function pathWith(programs: Record<string, string>): string {
  const directory = path.join(checkout.parent, "bin");
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory);
  for (const tool of BASE_SYSTEM) {
    const { stdout, failed } = execaSync("which", [tool], { reject: false });
    if (!failed) execaSync("ln", ["-s", stdout, path.join(directory, tool)]);
  }
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(path.join(directory, name), script);
    chmodSync(path.join(directory, name), 0o755);
  }
  return directory;
}

function mem0(programs: Record<string, string>, env: Record<string, string> = {}) {
  const { port } = registry.address() as AddressInfo;
  const npm_config_registry = `http://127.0.0.1:${port}/`;
  return checkout.mem0(["--help"], { env: { PATH: pathWith(programs), npm_config_registry, ...env } });
}

/** Answers the version question as Node 20 does, and fails like it on TypeScript. */
const TOO_OLD = `#!/bin/sh\ncase "$1" in -e) exit 1 ;; *) echo "Unknown file extension .ts" >&2; exit 9 ;; esac\n`;
const NEW_ENOUGH = `#!/bin/sh\nexec '${process.execPath}' "$@"\n`;
const NO_NPM = "#!/bin/sh\nexit 1\n";

const fetched = () => path.join(checkout.toolchain.root, "node-22.99.0");

describe("./mem0", () => {
  it("fetches Node where PATH has none, once", async () => {
    const first = await mem0({});
    expect(first.exitCode, first.all).toBe(0);
    expect(first.stdout).toContain("./mem0 <verb>");
    expect(asked).toEqual(["/node-here/-/node-here-22.99.0.tgz", "/npm/-/npm-10.0.0.tgz"]);
    const again = await mem0({});
    expect([again.exitCode, again.stderr]).toEqual([0, ""]);
    expect(asked).toHaveLength(2);
  });

  it("fetches Node where PATH has too old a one", async () => {
    const { exitCode, stdout } = await mem0({ node: TOO_OLD, npm: NO_NPM });
    expect(exitCode).toBe(0);
    expect(stdout).toContain("./mem0 <verb>");
    expect(existsSync(path.join(fetched(), "bin", "npm"))).toBe(true);
  });

  it("uses the Node of PATH where that is new enough, and fetches nothing", async () => {
    const { exitCode } = await mem0({ node: NEW_ENOUGH, npm: NO_NPM });
    expect(exitCode).toBe(0);
    expect(asked).toEqual([]);
  });

  it("brings Node and npm together where PATH has Node alone", async () => {
    expect((await mem0({ node: NEW_ENOUGH })).exitCode).toBe(0);
    expect(existsSync(path.join(fetched(), "bin", "npm"))).toBe(true);
  });

  it("refuses a package that is not the pinned one, and keeps nothing of it", async () => {
    const right = packages.get("npm-10.0.0.tgz");
    packages.set("npm-10.0.0.tgz", Buffer.from("something else"));
    const { exitCode, stderr } = await mem0({});
    if (right !== undefined) packages.set("npm-10.0.0.tgz", right);
    expect(exitCode).toBe(3);
    expect(stderr).toContain("npm 10.0.0 is not what it should be");
    expect(readdirSync(checkout.toolchain.root)).toEqual([]);
  });

  it("says which registry does not answer, and what to do", async () => {
    const { exitCode, stderr } = await mem0({}, { npm_config_registry: "http://127.0.0.1:9" });
    expect(exitCode).toBe(3);
    expect(stderr).toContain("the npm registry does not give node-here 22.99.0");
    expect(stderr).toContain("mend:");
  });

  it("run twice at once ends with one whole Node", async () => {
    const runs = await Promise.all([mem0({}), checkout.mem0(["--help"])]);
    expect(runs.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
  });
});

describe("the packages of package-lock.json", () => {
  interface LockFile {
    lockfileVersion: number;
    packages: Record<string, { version?: string; dependencies?: Record<string, string> }>;
  }
  const lock = () => path.join(checkout.root, "package-lock.json");
  const tree = () => path.join(checkout.root, "node_modules");
  const readLock = () => JSON.parse(readFileSync(lock(), "utf8")) as LockFile;

  it("are not touched when they cannot be replaced", async () => {
    const before = readFileSync(lock(), "utf8");
    const wanted = readLock();
    wanted.packages["node_modules/zod"] = { ...wanted.packages["node_modules/zod"], version: "4.0.0" };
    writeFileSync(lock(), JSON.stringify(wanted));
    const content = readdirSync(tree());

    const { exitCode, stderr } = await mem0({ node: NEW_ENOUGH, npm: NO_NPM });
    expect(exitCode).toBe(1);
    expect(stderr).toContain("the packages could not be installed (npm ci)");
    expect(readdirSync(tree())).toEqual(content);

    writeFileSync(lock(), before);
    expect((await mem0({ node: NEW_ENOUGH, npm: NO_NPM })).exitCode).toBe(0);
  });

  it("take the place of a tree that a killed npm left, as a whole", async () => {
    // The packages that --help needs: the others would only make npm take longer.
    const { lockfileVersion, packages } = readLock();
    const commander = packages["node_modules/commander"];
    const leven = packages["node_modules/leven"];
    const dependencies = { commander: commander?.version, leven: leven?.version };
    const root = { name: "mem0", version: "0.1.0", dependencies };
    writeFileSync(path.join(checkout.root, "package.json"), JSON.stringify({ ...root, type: "module" }));
    writeFileSync(
      lock(),
      JSON.stringify({
        ...root,
        lockfileVersion,
        packages: { "": root, "node_modules/commander": commander, "node_modules/leven": leven },
      }),
    );
    rmSync(tree());
    mkdirSync(path.join(tree(), "half"), { recursive: true });

    const { exitCode, stdout, all } = await checkout.mem0(["--help"]);
    expect(exitCode, all).toBe(0);
    expect(stdout).toContain("./mem0 <verb>");
    expect(readdirSync(tree()).filter((name) => !name.startsWith("."))).toEqual(["commander", "leven"]);
    expect(readdirSync(checkout.toolchain.work)).toEqual([]);
  });
});
