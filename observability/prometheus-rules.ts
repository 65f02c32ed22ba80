import { stringify } from "yaml";

export interface RulesOptions {
  stack: string;
  /** Name of the scrape job. */
  job: string;
}

/** The alert rules of a stack, as a rules file of Prometheus. */
export function prometheusRules(_options: RulesOptions): string {
  return stringify({ groups: [] });
}
