import { defineConfig } from "vitest/config";

/** One project per kind of test; `./mem0 test` runs them by name. */
export default defineConfig({
  test: {
    projects: [
      // Milliseconds each, but not on a machine that has other work: a time-out is to find what hangs.
      {
        test: { name: "unit", include: ["test/unit/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 60_000 },
      },
      {
        // Real engine, real Docker: one file at a time on two cores.
        test: {
          name: "engine",
          include: ["test/engine/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 900_000,
        },
      },
    ],
    coverage: {
      provider: "v8",
      include: [
        "config/**",
        "components/**",
        "observability/**",
        "ops/**",
        "scripts/**",
        "services/exporter/src/**",
        "services/telegram-bot/src/**",
        "toolchain/**/*.ts",
      ],
      reporter: ["text-summary"],
    },
  },
});
