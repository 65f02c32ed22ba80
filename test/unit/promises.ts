/** Tests that stand behind each promise of SECURITY.md: the file, and a part of the title. */
export const PROMISES: Readonly<Record<string, readonly [file: string, title: string][]>> = {
  loopback: [["test/unit/components/stack.test.ts", "publishes ports on the loopback address only"]],
  names: [
    ["test/engine/components/stack.test.ts", "only to allowed names and to pages of its own"],
    ["test/unit/services/exporter/asked.test.ts", "a request with %j is %s"],
    ["services/server/tests/unit/test_front.py", "test_only_allowed_host_names_are_answered"],
    ["test/unit/config/host-names.test.ts", "to the names that the settings add, and to each once"],
  ],
  origins: [
    ["test/engine/components/stack.test.ts", "only to allowed names and to pages of its own"],
    ["test/engine/components/stack.test.ts", "in a browser to the pages of Neo4j's own alone"],
    ["services/server/tests/unit/test_front.py", "test_a_page_of_another_origin_gets_nothing"],
    ["test/unit/components/gate.test.ts", "asks whatever speaks HTTP for the name and the origin"],
  ],
  pages: [
    ["test/engine/components/stack.test.ts", "has pages that load nothing from another origin"],
    ["services/server/tests/unit/test_front.py", "test_the_documentation_needs_no_other_site"],
  ],
  hidden: [["test/engine/components/stack.test.ts", "shows nobody what Prometheus holds in memory"]],
  hardened: [
    ["test/unit/components/stack.test.ts", "gives no container more than it needs"],
    ["test/unit/components/stack.test.ts", "limits memory, swap and CPU of every container"],
  ],
  "no-way-out": [
    ["test/engine/components/stack.test.ts", "lets no container out that needs nothing from outside"],
    ["test/unit/components/network.test.ts", "let out only who has to: %s"],
  ],
  "bot-apart": [
    [
      "test/engine/components/neighbours.test.ts",
      "reaches the server, and no store, by its name or its address",
    ],
    ["test/unit/components/network.test.ts", "within the stack to the server and whoever asks how it is"],
  ],
  "secret-files": [
    ["test/unit/components/stack.test.ts", "hands secrets over as files, never in the environment"],
    ["test/engine/components/stack.test.ts", "keeps secrets out of the state in clear"],
  ],
  "no-lock-out": [
    [
      "test/engine/components/stack.test.ts",
      "is not locked out of its own graph by somebody's wrong passwords",
    ],
  ],
  "closed-ports": [["test/unit/components/gate.test.ts", "publishes no port that the settings close"]],
  directories: [
    [
      "test/unit/ops/backup/keep/root.test.ts",
      "that others may write to is refused before anything is written or read",
    ],
    ["test/unit/ops/base/below.test.ts", "takes the place of no other, and writes through no link"],
    ["test/unit/ops/stack/own-places.test.ts", "are refused where others may write to %s"],
  ],
  "own-users": [
    [
      "services/server/tests/stores/test_bound_keys.py",
      "test_no_route_gives_or_takes_anything_of_another_user",
    ],
  ],
  "key-first": [
    ["services/server/tests/unit/test_front.py", "test_nothing_of_a_body_is_read_before_the_key_is_known"],
  ],
  seals: [
    ["test/unit/ops/backup/format/seal.test.ts", "tells that this stack made it, or another"],
    ["test/unit/ops/backup/format/seal.test.ts", "is loaded on a person's word alone"],
    ["test/unit/ops/backup/keep/foreign.test.ts", "is listed as such, and as none of the good ones"],
  ],
  bounds: [["test/unit/ops/backup/format/bounds.test.ts", "is neither more nor less than its manifest says"]],
  "rows-alone": [
    [
      "test/engine/ops/backup/stores/postgres/restore.test.ts",
      "runs nothing of what was planted in it, not even when it is restored without that",
    ],
    [
      "test/unit/ops/backup/stores/neo4j/own-schema.test.ts",
      "gets the indexes and constraints that the memory server makes",
    ],
    [
      "test/unit/ops/backup/stores/history/restore.test.ts",
      "comes as a new one with the server's own tables",
    ],
  ],
  "quiet-log": [["test/engine/components/stack.test.ts", "keeps what is stored out of the log of Postgres"]],
  terminal: [["test/unit/ops/base/visible.test.ts", "never holds what a terminal obeys, whatever was given"]],
  pinned: [
    ["test/unit/toolchain/archive.test.ts", "that is another one than was pinned is not unpacked"],
    ["test/unit/toolchain/checksums.test.ts", "an archive that the table does not name"],
    ["test/engine/toolchain/bootstrap.test.ts", "refuses a package that is not the pinned one"],
  ],
};
