import path from "node:path";
import { execa } from "execa";
import { testEnvironment } from "../test/runner/environment.ts";
import { virtualEnvironment } from "../test/runner/python.ts";
import { CHECKOUT } from "../toolchain/layout.ts";

/**
 * The memory server beside upstream's own at 1.0.11, on the same stores and the same model: `./mem0 bench memory` on a
 * machine that is set up and has deployed a stack, so that the images are there. `--help` lists the parts; the goal for
 * memory means an hour of load (`--soak 3600`, the default).
 */
const service = path.join(CHECKOUT, "services/server");
const [bin, upstream] = [
  await virtualEnvironment(CHECKOUT, "services/server/requirements-dev.lock"),
  await virtualEnvironment(CHECKOUT, "bench/memory/requirements.lock"),
];
const { exitCode } = await execa(
  path.join(bin, "python"),
  [path.join(CHECKOUT, "bench/memory/bench.py"), ...process.argv.slice(2)],
  {
    cwd: service,
    env: {
      ...testEnvironment(),
      PYTHONPATH: service,
      MEM0_UPSTREAM_PYTHON: path.join(upstream, "python"),
    },
    stdio: "inherit",
    reject: false,
  },
);
process.exitCode = exitCode ?? 1;
