import { CATALOGUE, type Metric } from "../services/exporter/src/catalogue.ts";

/** docs/metrics.md: every metric with its type, labels and meaning. */
export function metricsReference(): string {
  const rows = (Object.entries(CATALOGUE) as [string, Metric][]).map(
    ([name, { type, labels, help }]) => `| \`${name}\` | ${type} | ${labelText(labels)} | ${help} |`,
  );
  return [
    "# Metrics",
    "",
    "What the exporter serves on `/metrics`. Written by `node scripts/cli/write-references.ts` from",
    "`services/exporter/src/catalogue.ts`; do not edit. How to read them: [observability.md](observability.md).",
    "",
    "| metric | type | labels | meaning |",
    "| --- | --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}

function labelText(labels: Metric["labels"]): string {
  return Object.entries(labels)
    .map(([label, values]) => `\`${label}\`: ${values}`)
    .join("; ");
}
