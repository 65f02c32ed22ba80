import { describe, expect, it } from "vitest";
import { exampleSettings } from "../../harness/support/example-settings.ts";
import { isSecret, named } from "../../harness/support/mock-engine.ts";
import { stackOf } from "./declared-stack.ts";

const WEBHOOK = "https://alerts.example/a-token-of-somebody";

describe("what tells alerts on the host", () => {
  it("finds the webhook's address in a secret file, which no container reads", async () => {
    const resources = await stackOf(exampleSettings(), { alertWebhookUrl: WEBHOOK });
    expect(isSecret(named(resources, "secrets-alert_webhook_url-file-write").inputs.stdin)).toBe(true);
    const manifest = JSON.stringify(named(resources, "manifest-file-write").inputs.stdin);
    expect(manifest).toContain("secrets/alert_webhook_url");
    expect(manifest).not.toContain(WEBHOOK);
    const containers = resources.filter(({ type }) => type.endsWith(":Container"));
    expect(JSON.stringify(containers.map(({ inputs }) => inputs.mounts))).not.toContain("alert_webhook_url");
  });

  it("is told in the manifest only what is not the default, which versions before do not know", async () => {
    const manifestOf = async (groups: Record<string, unknown>) =>
      JSON.parse(String(named(await stackOf(exampleSettings(groups)), "manifest-file-write").inputs.stdin));
    const plain = await manifestOf({});
    expect(plain).not.toHaveProperty("alerts");
    expect(plain.observability).not.toHaveProperty("diskFreeGb");
    const other = await manifestOf({
      alerts: { cooldownSeconds: 60 },
      observability: { alerts: { diskFreeGb: 3, drillDays: 9 } },
    });
    expect(other.alerts).toMatchObject({ cooldownSeconds: 60, openAfter: 2 });
    expect(other.observability).toMatchObject({ diskFreeGb: 3, drillDays: 9 });
  });
});
