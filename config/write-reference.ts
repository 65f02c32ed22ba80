import { writeFileSync } from "node:fs";
import path from "node:path";
import { GENERATED } from "./reference.ts";

const checkout = path.dirname(import.meta.dirname);
for (const { file, render } of GENERATED) writeFileSync(path.join(checkout, file), render());
