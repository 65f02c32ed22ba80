import type { Dashboard } from "./dashboards.ts";
import type { DataSource } from "./data-sources.ts";
import type { Folder } from "./folders.ts";
import { type ContactPoint, FIRST_CONTACT_POINT, FIRST_TREE, type PolicyTree } from "./notifications.ts";
import type { RuleGroup } from "./rule-groups.ts";

/** All that a Grafana keeps, by uid; rule groups by `folder/name`. */
export class Content {
  readonly folders = new Map<string, Folder>();
  readonly dataSources = new Map<string, DataSource>();
  readonly dashboards = new Map<string, Dashboard>();
  readonly ruleGroups = new Map<string, RuleGroup>();
  readonly contactPoints = new Map<string, ContactPoint>([[FIRST_CONTACT_POINT.uid, FIRST_CONTACT_POINT]]);
  policies: PolicyTree = FIRST_TREE;
  #last = 0;

  nextId(): number {
    this.#last += 1;
    return this.#last;
  }

  nextUid(): string {
    return `made-by-grafana-${this.nextId()}`;
  }

  hasContactPoint(name: string): boolean {
    return [...this.contactPoints.values()].some((point) => point.name === name);
  }

  isContactPointUsed(name: string): boolean {
    const routes = [this.policies, ...this.policies.routes];
    const rules = [...this.ruleGroups.values()].flatMap((group) => group.rules);
    return (
      routes.some(({ receiver }) => receiver === name) ||
      rules.some((rule) => rule.notification_settings?.receiver === name)
    );
  }
}
