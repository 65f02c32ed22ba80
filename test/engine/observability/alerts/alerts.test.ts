import { chmodSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { alertOptions, alertsOf } from "../../../../observability/alerts.ts";
import { prometheusRules } from "../../../../observability/prometheus-rules.ts";
import { exampleSettings } from "../../../harness/support/example-settings.ts";
import { type Container, Workbench } from "../../services/workbench.ts";
import { FALSE_ALARMS, SCENARIOS, SCRAPED, type Scenario } from "./scenarios.ts";

const STACK = "test";
const options = { ...alertOptions(exampleSettings({}, STACK)), bot: true };
const alerts = alertsOf(options);

const bench = new Workbench();
let directory: string;
let promtool: Container;

beforeAll(async () => {
  directory = bench.directory();
  write("rules.yml", prometheusRules(options));
  promtool = await bench.start({
    image: await bench.image("prometheus"),
    volumes: [`${directory}:/rules:ro`],
    tmpfs: ["/tmp"],
    options: ["--entrypoint", "sleep"],
    args: ["infinity"],
  });
});

afterAll(() => bench.remove());

describe("the rules of Prometheus", () => {
  it("are valid", async () => {
    const output = await promtool.exec("promtool", "check", "rules", "/rules/rules.yml");
    expect(output).toContain(`SUCCESS: ${alerts.length} rules found`);
  });

  it("are tested, each of them", () => {
    expect(new Set(SCENARIOS.map(({ alert }) => alert))).toEqual(new Set(alerts.map(({ name }) => name)));
  });

  it.each(SCENARIOS)("raise $alert when $when, say so, and end it when that is over", async (scenario) => {
    const { quiet, raised, resolved } = scenario;
    await holds(scenario, [
      ...(quiet === undefined ? [] : [{ eval_time: quiet, exp_alerts: [] }]),
      { eval_time: raised, exp_alerts: [expected(scenario)] },
      ...(resolved === undefined ? [] : [{ eval_time: resolved, exp_alerts: [] }]),
    ]);
  });

  it.each(FALSE_ALARMS)("do not raise $alert when $when", async ({ at, ...scenario }) => {
    await holds(scenario, [{ eval_time: at, exp_alerts: [] }]);
  });
});

function expected({ alert, labels, tells }: Scenario): object {
  const found = alerts.find(({ name }) => name === alert);
  return {
    exp_labels: { severity: found?.severity, stack: STACK, ...labels },
    exp_annotations: {
      summary: `${found?.summary} (stack ${STACK})`,
      description: tells,
      runbook_url: `${options.runbook}#${found?.section}`,
    },
  };
}

async function holds(
  { alert, series, interval }: Pick<Scenario, "alert" | "series" | "interval">,
  tests: object[],
): Promise<void> {
  const input_series = Object.entries(series).map(([name, values]) => ({ series: scraped(name), values }));
  const alert_rule_test = tests.map((test) => ({ ...test, alertname: alert }));
  write(
    "test.yml",
    stringify({
      rule_files: ["rules.yml"],
      evaluation_interval: interval,
      tests: [{ interval, input_series, alert_rule_test }],
    }),
  );
  const { exitCode, output } = await promtool.tryExec(["promtool", "test", "rules", "/rules/test.yml"]);
  expect(exitCode, output).toBe(0);
}

/** A series with the labels that scraping adds. */
function scraped(name: string): string {
  const added = Object.entries({ ...SCRAPED, stack: STACK }).map(([key, value]) => `${key}="${value}"`);
  const own = /\{(.*)\}/.exec(name)?.[1];
  return `${name.replace(/\{.*/, "")}{${[...added, ...(own === undefined ? [] : [own])].join(",")}}`;
}

function write(name: string, content: string): void {
  const file = path.join(directory, name);
  writeFileSync(file, content);
  chmodSync(file, 0o444);
}
