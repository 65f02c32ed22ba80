/** A part of the tests that a change can reach. `unit` is all of its TypeScript; by imports some is reached anyway. */
export type Part =
  | "unit"
  | "python server"
  | "python model"
  | "python bench"
  | "stores"
  | "stacks"
  | "images"
  | "set-up"
  | "plugins"
  | "docker";

/** What each part of the tests with Docker is, by the beginning of its files' paths. */
export const PART_FILES = {
  stacks: ["test/engine/components/", "test/engine/ops/backup/", "test/engine/observability/", "test/e2e/"],
  images: ["test/engine/services/"],
  plugins: ["test/engine/toolchain/plugins/"],
  "set-up": ["test/engine/toolchain/"],
  docker: ["test/engine/ops/"],
} as const satisfies Partial<Record<Part, readonly string[]>>;

const ALL: readonly Part[] = [
  "unit",
  "python server",
  "python model",
  "python bench",
  "stores",
  "stacks",
  "images",
  "set-up",
  "plugins",
  "docker",
];

const allBut = (...left: Part[]) => ALL.filter((part) => !left.includes(part));

/**
 * What a change of a file can reach beside the TypeScript tests that import it; the first rule that fits holds. A file
 * that no rule names reaches everything. Linters and type checks of TypeScript and shell run for every change.
 */
const RULES: readonly (readonly [RegExp, readonly Part[]])[] = [
  // What test files are, vitest knows by their imports. The Python tests start this fake as a program.
  [/^test\/harness\/fakes\/openai\//, ["stores"]],
  [/^test\/harness\/fakes\/mac\//, ["unit", "docker"]],
  [/^test\/(unit|engine|e2e|harness|runner)\/.*\.ts$/, []],
  [/^docs\/api\.md$/, ["unit", "stores"]],
  [/^docs\/runbook\.md$/, ["unit", "stacks"]],
  [/^(docs\/|dashboards\/|[^/]+\.md$)/, ["unit"]],
  [/^(\.ci\/|\.gitignore$|biome\.json$)/, []],
  [/^bench\//, ["python bench"]],
  [/^services\/server\/tests\/unit\//, ["python server"]],
  [/^services\/server\/tests\/stores\//, ["python server", "stores"]],
  [/^services\/model\/tests\//, ["python model"]],
  // The benches in Python are checked with the server's packages, and import from it.
  [/^services\/server\//, ["unit", "python server", "python bench", "stores", "stacks"]],
  [/^services\/model\//, ["unit", "python model", "stores", "stacks"]],
  [/^services\/(postgres|neo4j)\//, ["unit", "images", "stores", "stacks"]],
  [/^services\/(exporter|prometheus|telegram-bot)\//, ["unit", "images", "stacks"]],
  [/^(components|observability)\//, ["unit", "stacks"]],
  [/^toolchain\/plugins\//, ["unit", "plugins", "set-up", "stacks"]],
  [/^scripts\//, ["unit", "set-up", "stacks", "stores"]],
  [/^(ops|config)\//, allBut("plugins", "python server", "python model", "python bench")],
];

/** The parts of the tests that changes of these files can reach, beside what imports them. */
export function affected(files: readonly string[]): ReadonlySet<Part> {
  return new Set(files.flatMap((file) => RULES.find(([pattern]) => pattern.test(file))?.[1] ?? ALL));
}

/** The part that a file of tests with Docker belongs to; the nearest folder counts. */
export function partOf(testFile: string): keyof typeof PART_FILES | undefined {
  const parts = Object.entries(PART_FILES) as [keyof typeof PART_FILES, readonly string[]][];
  return parts.find(([, folders]) => folders.some((folder) => testFile.startsWith(folder)))?.[0];
}
