import { describe, expect, it } from "vitest";
import {
  CATALOGUE,
  GUIDE_METRICS,
  LINT_EXCEPTIONS,
  type Metric,
} from "../../../../services/exporter/src/catalogue.ts";

/** What promtool calls abbreviations of units, and units that are not the base ones. */
const ABBREVIATED = ["s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d"];
const NOT_BASE =
  /(^|_)(milli|micro|nano|kilo|mega|giga|kibi|mebi|gibi)(second|byte)s?(_|$)|(^|_)(minute|hour|day|week)s?(_|$)/;
const TYPE_NAMES = ["gauge", "counter", "histogram", "summary"];

/** What promtool's lint says against a metric, by the rules of Prometheus' naming page. */
function objections(name: string, { type, unit, labels, help }: Metric): string[] {
  const words = name.split("_");
  const base = name.replace(/_total$/, "");
  const rules: [boolean, string][] = [
    [/^[a-z][a-z0-9_]*$/.test(name), "is not in snake case"],
    [name.startsWith("mem0_"), "is not of mem0"],
    [help.trim() !== "", "has no help"],
    [type !== "counter" || name.endsWith("_total"), "is a counter without _total"],
    [type === "counter" || !name.endsWith("_total"), "ends in _total and is no counter"],
    [!/_(bucket|count|sum|info_total)$/.test(name), "ends as a line of a histogram does"],
    [!("le" in labels) && !("quantile" in labels), "has a label that histograms and summaries take"],
    [!words.some((word) => TYPE_NAMES.includes(word)), "names its type"],
    [!words.some((word) => ABBREVIATED.includes(word)), "abbreviates a unit"],
    [!NOT_BASE.test(name), "is not in base units"],
    [(unit === "seconds") === base.endsWith("_seconds"), "does not say that it is in seconds"],
    [(unit === "bytes") === base.endsWith("_bytes"), "does not say that it is in bytes"],
    [type !== "histogram" || unit !== "none", "is a histogram without a unit"],
  ];
  return rules.filter(([kept]) => !kept).map(([, told]) => told);
}

describe("the catalogue", () => {
  it("keeps Prometheus' rules of naming, but for the two names of the guide", () => {
    const found = Object.entries<Metric>(CATALOGUE).flatMap(([name, metric]) =>
      objections(name, metric).map((told) => `${name} ${told}`),
    );
    expect(found).toEqual(LINT_EXCEPTIONS.map((name) => `${name} ends in _total and is no counter`));
  });

  it("excepts nothing that the guide does not ask for", () => {
    expect(GUIDE_METRICS).toEqual(expect.arrayContaining([...LINT_EXCEPTIONS]));
  });
});
