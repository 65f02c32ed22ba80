import { once } from "node:events";
import { statSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { NEO4J_ANSWERS } from "../../../config/probes.ts";
import { waitFor } from "../../harness/support/eventually.ts";
import { type Container, imageSize, type RunOptions, Workbench } from "./workbench.ts";

/** Every character here has a meaning in Cypher, in a URL, in JSON or in the shell. */
const AWKWARD = `p'w"d\\ $x %:@/#`;

const ENTRYPOINT_SH = ["--entrypoint", "sh"];

const bench = new Workbench();
let image: string;

beforeAll(async () => {
  image = await bench.image("neo4j");
});

afterAll(() => bench.remove());

interface Given {
  volume: string;
  password?: string;
  user?: string;
  env?: Record<string, string>;
  backup?: string;
  args?: string[];
}

function spec({ volume, password, user = "10001:10001", env = {}, backup, args = [] }: Given): RunOptions {
  return {
    image,
    user,
    env: {
      NEO4J_HEAP: "256m",
      NEO4J_PAGECACHE: "64m",
      ...(password && { NEO4J_PASSWORD_FILE: "/run/secrets/password" }),
      ...env,
    },
    volumes: [
      `${volume}:/data`,
      ...(password ? [`${password}:/run/secrets/password:ro`] : []),
      ...(backup ? [`${backup}:/backup`] : []),
    ],
    tmpfs: ["/tmp"],
    ports: [7474, 7687],
    args,
  };
}

const admin = (given: Given, ...args: string[]) =>
  bench.run(spec({ ...given, args: ["neo4j-admin", ...args] }));

/** From outside, since a probe inside takes a process; then the probe inside must agree. */
async function ready(container: Container): Promise<void> {
  const url = `http://127.0.0.1:${await container.publishedPort(7474)}/`;
  await waitFor(`an answer of ${container.name}`, async () => {
    if (
      await fetch(url).then(
        (response) => response.ok,
        () => false,
      )
    )
      return true;
    await container.mustRun();
    return false;
  });
  await container.exec(...NEO4J_ANSWERS);
}

const Reply = z.object({
  data: z.object({ values: z.array(z.array(z.unknown())) }).optional(),
  errors: z.array(z.object({ code: z.string(), message: z.string() })).optional(),
});

/** Rows, or the first error's code. */
async function cypher(container: Container, password: string, statement: string): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${await container.publishedPort(7474)}/db/neo4j/query/v2`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: `Basic ${Buffer.from(`neo4j:${password}`).toString("base64")}`,
    },
    body: JSON.stringify({ statement }),
  });
  const reply = Reply.parse(await response.json());
  return reply.errors?.[0]?.code ?? reply.data?.values;
}

const REFUSED = "Neo.ClientError.Security.Unauthorized";

describe("the image", () => {
  it("is at most 650 MB", async () => {
    expect(await imageSize(image)).toBeLessThanOrEqual(650e6);
  });

  it("says what is installed, and runs nothing as root", async () => {
    const look = (command: string) =>
      bench.run({ image, options: ENTRYPOINT_SH, args: ["-c", command] }).then(({ output }) => output);
    expect(await look("cat /etc/mem0-versions")).toMatch(/^openjdk-21-jre-headless 21\..*^neo4j 5\.26\./ms);
    expect(await look("id -u")).toBe("10001");
  });
});

describe("a new volume, hardened", () => {
  const password = bench.secret(AWKWARD);
  const otherPassword = bench.secret("another password\n");
  const volume = bench.volume();
  const backup = bench.directory();
  let container: Container;

  it("whose first start is killed half way is made again from the beginning, whatever the Finder left there", async () => {
    const left = ["-c", "touch /data/.DS_Store /data/._neo4j"];
    await bench.run({ image, volumes: [`${volume}:/data`], options: ENTRYPOINT_SH, args: left });
    container = await bench.start(spec({ volume, password: password.file }));
    await waitFor("the first store file", async () => {
      return (
        (await container.tryExec(["test", "-e", "/data/neo4j/databases/system/neostore"])).exitCode === 0
      );
    });
    expect(await container.exec("ls", "/data")).toContain("first-start-unfinished");
    await container.kill();

    await container.startAgain();
    await ready(container);
    expect(await container.exec("ls", "/data")).toBe("neo4j");
    expect(await container.exec("stat", "-c", "%a", "/data/neo4j")).toBe("700");
  });

  it("answers over HTTP to the password in the file, never to Neo4j's own first one", async () => {
    expect(await cypher(container, AWKWARD, "RETURN 1")).toEqual([[1]]);
    expect(await cypher(container, "neo4j", "RETURN 1")).toBe(REFUSED);
  });

  it("speaks Bolt", async () => {
    const socket = net.connect(await container.publishedPort(7687), "127.0.0.1");
    // The handshake: a magic number, then four proposals of which the first is version 5.4.
    socket.write(Buffer.from("6060b017 00000405 00000000 00000000 00000000".replaceAll(" ", ""), "hex"));
    const [agreed] = (await once(socket, "data")) as [Buffer];
    socket.destroy();
    expect(agreed.toString("hex")).toBe("00000405");
  });

  it("computes similarities of vectors", async () => {
    const statement = "RETURN round(vector.similarity.cosine([1.0, 0.0], [1.0, 1.0]), 3)";
    expect(await cypher(container, AWKWARD, statement)).toEqual([[0.854]]);
  });

  it("runs one JVM as PID 1, with the memory it is given", async () => {
    const command = (await container.exec("cat", "/proc/1/cmdline")).split("\0");
    expect(command[0]).toBe("java");
    expect(command).toContain("-Xmx256m");
    const setting = "SHOW SETTINGS 'server.memory.pagecache.size' YIELD value";
    expect(await cypher(container, AWKWARD, setting)).toEqual([["64.00MiB"]]);
  });

  it("starts from the archive of classes that the image brings, which halves its work", async () => {
    expect(await container.exec("cat", "/proc/1/maps")).toContain("/opt/neo4j/classes.jsa");
  });

  it("keeps logs out of the volume, reserves no space, and hides queries and passwords", async () => {
    await cypher(container, AWKWARD, "RETURN 'a private memory'");
    expect(await container.exec("find", "/data", "-name", "*.log*")).toBe("");
    expect(Number((await container.exec("du", "-sm", "/data")).split("\t")[0])).toBeLessThan(20);
    const logs = await container.logs();
    expect(logs).toContain("Started.");
    expect(logs).not.toContain("a private memory");
    expect(logs).not.toContain(AWKWARD);
  });

  it("is not touched by the administration tool while the server runs", async () => {
    const { exitCode, output } = await admin(
      { volume, backup },
      "database",
      "dump",
      "neo4j",
      "--to-path=/backup",
    );
    expect(exitCode).toBe(1);
    expect(output).toContain("Another container is running on /data");
  });

  it("stops cleanly", async () => {
    await cypher(
      container,
      AWKWARD,
      "CREATE (:__Entity__ {name: 'bees'})-[:ON]->(:__Entity__ {name: 'roof'})",
    );
    expect(await container.stop(60)).toBe(0);
    // Not always the very last line: its monitors warn of what they cut short, and they end beside it.
    const ending = (await container.logs()).split("\n").slice(-5);
    expect(ending).toContainEqual(expect.stringMatching(/INFO +Stopped\.$/));
    await container.remove();
  });

  it("is dumped, checked, and loaded into a volume of another user with another password", async () => {
    const dump = await admin({ volume, backup }, "database", "dump", "neo4j", "--to-path=/backup");
    expect(dump.exitCode, dump.output).toBe(0);
    const check = await admin({ volume, backup }, "database", "check", "neo4j", "--from-path=/backup");
    expect(check.exitCode, check.output).toBe(0);

    expect(statSync(path.join(backup, "neo4j.dump")).mode & 0o777).toBe(0o600);
    await bench.run({
      ...spec({ volume, backup, args: ["-c", "chmod 644 /backup/*"] }),
      options: ENTRYPOINT_SH,
    });

    const other = { volume: bench.volume(), password: otherPassword.file, user: "1000:1000" };
    const load = await admin({ ...other, backup }, "database", "load", "neo4j", "--from-path=/backup");
    expect(load.exitCode, load.output).toBe(0);

    container = await bench.start(spec(other));
    await ready(container);
    const statement = "MATCH (a)-[r]->(b) RETURN a.name, type(r), b.name";
    expect(await cypher(container, "another password", statement)).toEqual([["bees", "ON", "roof"]]);
    expect(await cypher(container, AWKWARD, statement)).toBe(REFUSED);
  });

  it("takes the password that is in the file by its next start, even after a crash", async () => {
    await container.kill();
    otherPassword.write("rotated password");
    await container.startAgain();
    await ready(container);
    expect(await cypher(container, "rotated password", "MATCH (n) RETURN count(n)")).toEqual([[2]]);
    expect(await cypher(container, "another password", "RETURN 1")).toBe(REFUSED);
  });
});

describe("refuses, with a word on what to do,", () => {
  const good = bench.secret("good enough").file;

  const refuse = async (given: Partial<Given>, change: (spec: RunOptions) => RunOptions = (s) => s) => {
    const { exitCode, output } = await bench.run(
      change(spec({ volume: bench.volume(), password: good, ...given })),
    );
    expect(exitCode, output).toBe(1);
    return output;
  };

  it.each([
    ["a start without password file", { env: { NEO4J_PASSWORD_FILE: "" } }, "NEO4J_PASSWORD_FILE is not set"],
    ["a missing one", { env: { NEO4J_PASSWORD_FILE: "/run/secrets/other" } }, "does not exist"],
    ["an empty one", { password: bench.secret("\n").file }, "is empty"],
    ["one with more than a line", { password: bench.secret("password\nb\n").file }, "more than one line"],
    [
      "one it may not read",
      { password: bench.secret("password", 0o000).file },
      "cannot be read by uid 10001",
    ],
    [
      "a password that Neo4j finds too short",
      { password: bench.secret("7 chars").file },
      "at least 8 characters",
    ],
  ])("%s", async (_, given, message) => {
    expect(await refuse(given)).toContain(message);
  });

  it("a volume that it may not write to", async () => {
    const readOnly = (s: RunOptions) => ({
      ...s,
      volumes: s.volumes?.map((v) => v.replace(/data$/, "data:ro")) ?? [],
    });
    expect(await refuse({}, readOnly)).toContain("/data is not writable for uid 10001");
  });

  describe("a volume with other data than its own:", () => {
    const volume = bench.volume();

    /** Runs a command on the volume as the image's user. */
    const alter = (command: string) =>
      bench.run({
        image,
        volumes: [`${volume}:/data`],
        options: ENTRYPOINT_SH,
        args: ["-c", command],
      });

    it("another user's", async () => {
      await alter("mkdir -m 700 /data/neo4j");
      expect(await refuse({ volume, user: "1000:1000" })).toContain("docker run --user 10001:10001");
    });

    it("one laid out as in Neo4j's own image", async () => {
      await alter("mv /data/neo4j /data/databases");
      expect(await refuse({ volume })).toContain("it is not empty: /data/databases");
    });
  });
});
