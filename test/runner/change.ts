import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { execa } from "execa";
import { ExitCode, Problem } from "../../ops/base/problem.ts";
import { affected, type Part, partOf } from "./affected.ts";
import { firstLine } from "./results.ts";

/** Which tests are to run: all of them, or those that a change can reach. */
export interface Selection {
  runs: (part: Part) => boolean;
  /** Of the files of a project of vitest those that run. */
  files: (project: string) => Promise<string[]>;
}

/** Every test. */
export function everything(checkout: string): Selection {
  return { runs: () => true, files: async (project) => testFiles(checkout, project) };
}

/**
 * What a change can reach, by the rules of `affected` and by what vitest knows of imports.
 *
 * @param base the commit that the change begins at; what is not committed belongs to it too
 */
export async function reachedFrom(checkout: string, base: string): Promise<Selection> {
  const parts = affected(await changedFiles(checkout, base));
  return {
    runs: (part) => parts.has(part),
    files: async (project) => {
      const importing = new Set(await importers(checkout, base, project));
      return testFiles(checkout, project).filter((file) => {
        if (importing.has(file)) return true;
        const part = project === "unit" ? "unit" : partOf(file);
        return part === undefined || parts.has(part) || (part === "unit" && readsFiles(checkout, file));
      });
    },
  };
}

/** Files of the checkout that differ from `base`, or are not committed. */
export async function changedFiles(checkout: string, base: string): Promise<string[]> {
  const git = (...args: string[]) => execa("git", args, { cwd: checkout, reject: false });
  const found = await Promise.all([
    git("diff", "--name-only", "-z", `${base}...HEAD`),
    git("diff", "--name-only", "-z", "HEAD"),
    git("ls-files", "--others", "--exclude-standard", "-z"),
  ]);
  const failed = found.find((result) => result.failed);
  if (failed !== undefined)
    throw new Problem(`git does not tell what has changed since ${base}: ${firstLine(failed.stderr)}`, {
      mend: "name a commit or branch of this checkout: ./mem0 test --changed main",
      exitCode: ExitCode.usage,
    });
  return [...new Set(found.flatMap(({ stdout }) => stdout.split("\0")))].filter(Boolean).sort();
}

function testFiles(checkout: string, project: string): string[] {
  return globSync(`test/${project}/**/*.test.ts`, { cwd: checkout }).sort();
}

/** Test files that import something that has changed, as vitest finds them. */
async function importers(checkout: string, base: string, project: string): Promise<string[]> {
  const vitest = path.join(checkout, "node_modules", ".bin", "vitest");
  const args = ["list", "--project", project, `--changed=${base}`, "--filesOnly", "--json"];
  const { stdout } = await execa(vitest, args, { cwd: checkout });
  return (JSON.parse(stdout) as { file: string }[]).map(({ file }) => path.relative(checkout, file));
}

/** Whether a test looks at files or starts programs, which no import tells. */
function readsFiles(checkout: string, file: string): boolean {
  return /CHECKOUT|checkout|import\.meta\.(dirname|filename|url)|node:child_process|execa/.test(
    readFileSync(path.join(checkout, file), "utf8"),
  );
}
