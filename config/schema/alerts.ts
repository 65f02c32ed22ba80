import { z } from "zod";
import { ALERTS } from "../manifest.ts";

const looks = z.int().min(1).max(100);

export const alerts = z
  .strictObject({
    cooldownSeconds: z
      .int()
      .min(0)
      .max(604_800)
      .default(ALERTS.cooldownSeconds)
      .meta({ description: "Time between two messages about one type of alert." }),
    remindHours: z
      .number()
      .min(0.1)
      .max(720)
      .default(ALERTS.remindHours)
      .meta({ description: "An alert that is still open is told again after so long." }),
    openAfter: looks
      .default(ALERTS.openAfter)
      .meta({ description: "Looks in a row that have to find something before it is told." }),
    closeAfter: looks
      .default(ALERTS.closeAfter)
      .meta({ description: "Looks in a row that have to find it well before that is told." }),
  })
  .meta({
    description:
      "How the stack itself tells what is wrong, with the secrets `telegramToken` and `telegramChat`, or `alertWebhookUrl`.",
  });
