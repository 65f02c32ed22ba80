import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Container, type Ended, imageSize, type RunOptions, Workbench } from "./workbench.ts";

const DATA = "/var/lib/postgresql/data";
/** Every character here has a meaning in SQL, in a connection string or in the shell. */
const AWKWARD = `p'w"d\\ $x %:@/#`;
const DATABASE = "mem0_test";
const ROLE = `mem0_"user"`;

const bench = new Workbench();
let image: string;

beforeAll(async () => {
  image = await bench.image("postgres");
});

afterAll(() => bench.remove());

interface Given {
  volume: string;
  password: string;
  user?: string;
  env?: Record<string, string>;
  options?: string[];
  args?: string[];
}

function spec({
  volume,
  password,
  user = "10001:10001",
  env = {},
  options = [],
  args = [],
}: Given): RunOptions {
  return {
    image,
    user,
    env: {
      POSTGRES_DB: DATABASE,
      POSTGRES_USER: ROLE,
      POSTGRES_PASSWORD_FILE: "/run/secrets/password",
      ...env,
    },
    volumes: [`${volume}:${DATA}`, `${password}:/run/secrets/password:ro`],
    tmpfs: ["/tmp", "/var/run/postgresql"],
    options,
    args,
  };
}

async function startReady(given: Given): Promise<Container> {
  const container = await bench.start(spec(given));
  await ready(container);
  return container;
}

const ready = (container: Container) =>
  container.untilSucceeds("pg_isready", "-q", "-h", "127.0.0.1", "-U", ROLE, "-d", DATABASE);

/** Over the socket, as the superuser unless told. */
function sql(container: Container, statement: string, user = "postgres"): Promise<string> {
  return container.exec(
    "psql",
    "-qAtX",
    "-v",
    "ON_ERROR_STOP=1",
    "-U",
    user,
    "-d",
    DATABASE,
    "-c",
    statement,
  );
}

/** Over TCP, as any client. */
function login(container: Container, password: string, user = ROLE): Promise<Ended> {
  const command = ["psql", "-qAtX", "-h", "127.0.0.1", "-U", user, "-d", DATABASE, "-c", "SELECT 'welcome'"];
  return container.tryExec(command, { PGPASSWORD: password });
}

describe("the image", () => {
  it("is at most 400 MB", async () => {
    expect(await imageSize(image)).toBeLessThanOrEqual(400e6);
  });

  it("holds no private key, says what is installed, and runs nothing as root", async () => {
    const look = (command: string) =>
      bench
        .run({ image, options: ["--entrypoint", "sh"], args: ["-c", command] })
        .then(({ output }) => output);
    expect(await look("find /etc/ssl/private -type f 2>/dev/null | wc -l")).toBe("0");
    expect(await look("cat /etc/mem0-versions")).toMatch(
      /^postgresql-17 17\.\d.*^postgresql-17-pgvector 0\.8\./ms,
    );
    expect(await look("id -u")).toBe("10001");
  });
});

describe.each(["10001:10001", "1000:1000"])("a new volume, hardened, as %s", (user) => {
  const password = bench.secret(AWKWARD);
  const volume = bench.volume();
  let container: Container;

  beforeAll(async () => {
    container = await startReady({ volume, password: password.file, user, args: ["-c", "work_mem=5MB"] });
  });

  it("gets a cluster with checksums, UTF-8 and a collation that never changes", async () => {
    expect(await sql(container, "SHOW data_checksums")).toBe("on");
    const settings = await sql(
      container,
      "SELECT pg_encoding_to_char(encoding), datlocprovider, datlocale FROM pg_database WHERE datname = current_database()",
    );
    expect(settings).toBe("UTF8|b|C.UTF-8");
  });

  it("keeps its data from other users, and is PID 1", async () => {
    expect(await container.exec("stat", "-c", "%a %u:%g", `${DATA}/pgdata`)).toBe(`700 ${user}`);
    expect(await container.exec("cat", "/proc/1/comm")).toBe("postgres");
  });

  it("takes further settings as arguments", async () => {
    expect(await sql(container, "SHOW work_mem")).toBe("5MB");
  });

  it("lets the role in over TCP with the password alone, and the superuser never", async () => {
    expect(await login(container, AWKWARD)).toEqual({ exitCode: 0, output: "welcome" });
    expect((await login(container, "wrong")).output).toContain("password authentication failed");
    expect((await login(container, AWKWARD, "postgres")).output).toContain("pg_hba.conf rejects connection");
  });

  it("answers a similarity query from an HNSW index, as the role", async () => {
    await sql(
      container,
      `CREATE TABLE memories (id int PRIMARY KEY, vector vector(3));
       INSERT INTO memories SELECT i, ARRAY[cos(i), sin(i), 0]::vector FROM generate_series(1, 500) i;
       CREATE INDEX ON memories USING hnsw (vector vector_cosine_ops)`,
      ROLE,
    );
    const nearest = "SELECT id FROM memories ORDER BY vector <=> ARRAY[cos(42), sin(42), 0]::vector LIMIT 1";
    expect(await sql(container, nearest, ROLE)).toBe("42");
    expect(await sql(container, `SET enable_seqscan = off; EXPLAIN ${nearest}`, ROLE)).toContain(
      "using memories_",
    );
  });

  it("gives the role its database and nothing beyond", async () => {
    const facts = await sql(
      container,
      `SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls,
              pg_get_userbyid(d.datdba) = rolname
         FROM pg_roles, pg_database d WHERE d.datname = current_database() AND rolname = '${ROLE}'`,
    );
    expect(facts).toBe("f|f|f|f|f|t");
  });

  it("can be dumped, and restored over itself, as the role", async () => {
    const restore = `pg_dump -Fc -U '${ROLE}' ${DATABASE} -f /tmp/dump &&
      pg_restore --clean --if-exists --exit-on-error -U '${ROLE}' -d ${DATABASE} /tmp/dump`;
    await container.exec("bash", "-c", restore);
    expect(await sql(container, "SELECT count(*) FROM memories", ROLE)).toBe("500");
  });

  it("is refused to a second container while the first one runs", async () => {
    const { exitCode, output } = await bench.run(spec({ volume, password: password.file, user }));
    expect(exitCode).toBe(1);
    expect(output).toContain(`Another container is running on ${DATA}`);
  });

  it("stops cleanly, and at the next start takes the password that is in the file by then", async () => {
    expect(await container.stop(60)).toBe(0);
    expect(await container.logs()).toMatch(/database system is shut down\s*$/);

    password.write("rotated\n");
    await container.startAgain();
    await ready(container);
    expect((await login(container, AWKWARD)).exitCode).not.toBe(0);
    expect((await login(container, "rotated")).output).toBe("welcome");
  });

  it("starts with a database that a restore closed for its swap, which needs a server to go on", async () => {
    const allow = (whether: boolean) =>
      container.exec(
        ...["psql", "-qAtX", "-U", "postgres", "-d", "postgres"],
        ...["-c", `ALTER DATABASE ${DATABASE} ALLOW_CONNECTIONS ${whether}`],
      );
    await allow(false);
    await container.stop(60);
    await container.startAgain();
    await ready(container);
    expect(await container.logs()).toContain("takes no connections: a restore was cut off");
    expect((await login(container, "rotated")).output).toContain("not currently accepting connections");
    await allow(true);
    expect((await login(container, "rotated")).output).toBe("welcome");
  });

  it("survives the loss of its container, together with the loss of the password", async () => {
    await container.kill();
    await container.remove();
    // With an init process the server has another process id than the one its stale lock file names.
    const given = { volume, password: bench.secret("made anew").file, user, options: ["--init"] };
    container = await startReady(given);
    expect(await sql(container, "SELECT count(*) FROM memories", ROLE)).toBe("500");
    expect((await login(container, "made anew")).output).toBe("welcome");
  });

  it("never shows a password in its log", async () => {
    expect(await container.logs()).not.toMatch(/PASSWORD|made anew/);
  });
});

describe("a role for metrics", () => {
  const env = { POSTGRES_METRICS_USER: "watcher", POSTGRES_METRICS_PASSWORD_FILE: "/run/secrets/password" };
  const password = bench.secret(AWKWARD);
  const volume = bench.volume();

  it("is made on data from before there was one, reads what others make later, and writes nothing", async () => {
    const before = await startReady({ volume, password: password.file });
    await sql(before, "CREATE TABLE old (a int)", ROLE);
    await before.stop(60);

    const container = await startReady({ volume, password: password.file, env });
    await sql(container, "CREATE TABLE new (a int)", ROLE);
    expect((await login(container, AWKWARD, "watcher")).exitCode).toBe(0);
    for (const table of ["old", "new"]) {
      expect(await sql(container, `SELECT count(*) FROM ${table}`, "watcher")).toBe("0");
      const insert = sql(container, `BEGIN READ WRITE; INSERT INTO ${table} VALUES (1)`, "watcher");
      await expect(insert).rejects.toThrow(`permission denied for table ${table}`);
    }
    expect(await container.logs()).not.toContain(AWKWARD);
  });
});

describe("a first start that is killed", () => {
  it.each([
    ["while initdb works", "test -d pgdata.unfinished"],
    ["when the role is about to be made", "test -e pgdata.unfinished/postmaster.pid"],
  ])("%s is done again from the beginning", async (_, moment) => {
    const given = { volume: bench.volume(), password: bench.secret("password").file };
    const container = await bench.start(spec(given));
    await container.untilSucceeds("bash", "-c", `cd ${DATA} && until ${moment}; do sleep 0.01; done`);
    await container.kill();

    await container.startAgain();
    await ready(container);
    expect((await login(container, "password")).output).toBe("welcome");
    expect(await container.exec("ls", DATA)).toBe("pgdata");
  });
});

describe("refuses, with a word on what to do,", () => {
  const good = bench.secret("password").file;
  const refuse = async (given: Partial<Given>, change: (spec: RunOptions) => RunOptions = (s) => s) => {
    const { exitCode, output } = await bench.run(
      change(spec({ volume: bench.volume(), password: good, ...given })),
    );
    expect(exitCode, output).toBe(1);
    return output;
  };

  it.each(["POSTGRES_DB", "POSTGRES_USER", "POSTGRES_PASSWORD_FILE"])("a start without %s", async (name) => {
    expect(await refuse({ env: { [name]: "" } })).toContain(`${name} is not set`);
  });

  it("the superuser as the application's role", async () => {
    expect(await refuse({ env: { POSTGRES_USER: "postgres" } })).toContain("Choose another name");
  });

  it.each([ROLE, "postgres"])("%s as the role for metrics, which would read only", async (name) => {
    const env = { POSTGRES_METRICS_USER: name, POSTGRES_METRICS_PASSWORD_FILE: "/run/secrets/password" };
    expect(await refuse({ env })).toContain("which may write");
  });

  it("a role for metrics without a password", async () => {
    expect(await refuse({ env: { POSTGRES_METRICS_USER: "watcher" } })).toContain(
      "POSTGRES_METRICS_PASSWORD_FILE is not set",
    );
  });

  it.each([
    ["a missing password file", { env: { POSTGRES_PASSWORD_FILE: "/run/secrets/other" } }, "does not exist"],
    ["an empty one", { password: bench.secret("").file }, "is empty"],
    ["one with more than a line", { password: bench.secret("a\nb\n").file }, "more than one line"],
    [
      "one it may not read",
      { password: bench.secret("password", 0o000).file },
      "cannot be read by uid 10001",
    ],
  ])("%s", async (_, given, message) => {
    expect(await refuse(given)).toContain(message);
  });

  it("a volume that it may not write to", async () => {
    const readOnly = (s: RunOptions) => ({
      ...s,
      volumes: s.volumes?.map((v) => v.replace(/data$/, "data:ro")) ?? [],
    });
    expect(await refuse({}, readOnly)).toContain(`${DATA} is not writable for uid 10001`);
  });

  describe("a volume with other data than its own:", () => {
    const volume = bench.volume();

    /** Runs a command on the volume as the image's user. */
    const alter = (command: string) =>
      bench.run({
        image,
        volumes: [`${volume}:${DATA}`],
        options: ["--entrypoint", "sh"],
        args: ["-c", command],
      });

    it("not what the Finder left in a new one", async () => {
      await alter(`touch ${DATA}/.DS_Store ${DATA}/._pgdata`);
      const container = await startReady({ volume, password: good });
      await container.stop(60);
    });

    it("another stack's, rather than to make an empty database beside it", async () => {
      expect(await refuse({ volume, env: { POSTGRES_DB: "mem0_prd" } })).toContain(
        "has no database mem0_prd",
      );
    });

    it("another user's", async () => {
      const output = await refuse({ volume, user: "1000:1000" });
      expect(output).toContain("docker run --user 10001:10001");
    });

    it("another version's", async () => {
      await alter(`echo 16 > ${DATA}/pgdata/PG_VERSION`);
      expect(await refuse({ volume })).toContain("was made by PostgreSQL 16, this image is PostgreSQL 17");
    });

    it("a directory that is no cluster", async () => {
      await alter(`rm ${DATA}/pgdata/PG_VERSION`);
      expect(await refuse({ volume })).toContain("is not a PostgreSQL data directory");
    });

    it("one laid out in another way", async () => {
      await alter(`mv ${DATA}/pgdata ${DATA}/base`);
      expect(await refuse({ volume })).toContain(`it is not empty: ${DATA}/base`);
    });
  });
});
