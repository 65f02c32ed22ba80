import { z } from "zod";
import { hostPath } from "./kinds.ts";

const kept = (count: number) => z.int().min(0).max(10_000).default(count);

/** As age-keygen prints it; the key that opens it is kept elsewhere. */
const recipient = z.string().regex(/^age1[0-9a-z]+$/, "an age recipient, which begins with age1");

export const backup = z
  .strictObject({
    root: hostPath.optional().meta({
      description:
        "Directory on the host that holds `hourly`, `daily`, `weekly` and `monthly`; best on another disk. " +
        "Left out: `backups` under the data root, or under the state home.",
      examples: ["/Volumes/Data/backups/mem0"],
    }),
    keep: z
      .strictObject({
        hourly: kept(24).meta({ description: "Hourly backups that are kept." }),
        daily: kept(7).meta({ description: "Daily backups that are kept." }),
        weekly: kept(4).meta({ description: "Weekly backups (of Sunday) that are kept." }),
        monthly: kept(12).meta({ description: "Monthly backups (of the 1st) that are kept." }),
      })
      .prefault({})
      .meta({ description: "How many of each tier are kept." }),
    format: z.enum(["custom", "plain"]).default("custom").meta({
      description: "Postgres dump: pg_dump's custom format with zstd, or plain SQL in a `.sql.gz`.",
    }),
    maxDropShare: z.number().min(0).max(1).default(0.2).meta({
      description:
        "A backup in which a count fell by more than this share since the last good one is suspect; so many memories gone raise an alert before that.",
    }),
    recipients: z
      .array(recipient)
      .max(20)
      .default([])
      .meta({
        description: "Age recipients that backups are encrypted to. None: backups are not encrypted.",
        examples: [["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"]],
      }),
    hourlyFiles: z
      .boolean()
      .default(false)
      .meta({
        description:
          "Hourly backups also hold a copy of Postgres' files, with which a restore need not build the similarity index " +
          "anew. Needs `recipients`: the files hold the roles' password verifiers.",
      }),
    copyTo: z
      .strictObject({
        path: hostPath.optional().meta({ description: "Second directory, on another disk." }),
        command: z
          .array(z.string().min(1))
          .min(1)
          .max(50)
          .optional()
          .meta({
            description:
              "Program with arguments that copies one backup elsewhere; `{directory}`, `{tier}` and `{id}` are filled in.",
            examples: [["rclone", "copy", "{directory}", "remote:mem0/{tier}/{id}"]],
          }),
      })
      .optional()
      .meta({ description: "Where every good backup is copied to after it was made." }),
  })
  .meta({ description: "Backups: where, how many, and what makes one suspect." });
