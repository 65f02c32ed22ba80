import prettyMs from "pretty-ms";
import { refuseUnfinishedRestore } from "../ops/backup/restore/journal.ts";
import { restartServices, servicesToRestart } from "../ops/stack/restart.ts";
import { defineVerb } from "./cli/verb.ts";

export const verb = defineVerb({
  declare: (command) => command.argument("[service...]", "services (default: all); ./mem0 status lists them"),
  json: "what was restarted",
  notes:
    "Each service is stopped before those that it needs, and started when those are healthy; then it waits until the stack\n" +
    "serves. Nothing that is declared changes: settings are applied by ./mem0 up.",
  exits: {
    ok: "they are healthy, and the stack serves as far as they are what it needs",
    busy: "a backup, restore or drill is at work, which a restart would break",
  },
  examples: ["restart", "restart server", "restart postgres server --stack prd"],
  run: async (call) => {
    const stack = call.deployed();
    const services = servicesToRestart(stack, call.args);
    refuseUnfinishedRestore(stack.directory);
    const started = performance.now();
    const serves = await call.runOnEngine(
      {
        title: `restart ${services.join(", ")} of stack ${stack.name}`,
        name: "restart",
        locked: true,
        loss: () => ({ outcome: "some services may stand still", mend: call.again() }),
      },
      ({ report }) => restartServices(stack, services, report),
    );
    const seconds = Math.round(performance.now() - started) / 1000;
    return {
      text: `restarted in ${prettyMs(seconds * 1000)}${serves ? `, and stack ${stack.name} serves` : ""}: ${services.join(", ")}`,
      json: { stack: stack.name, services, seconds },
    };
  },
});
