import { writeFileSync } from "node:fs";
import path from "node:path";
import { GENERATED } from "./references.ts";

const checkout = path.resolve(import.meta.dirname, "../..");
for (const { file, render } of GENERATED) writeFileSync(path.join(checkout, file), render());
