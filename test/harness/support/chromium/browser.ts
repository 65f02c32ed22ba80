import { mkdirSync } from "node:fs";
import path from "node:path";
import { execa } from "execa";
import puppeteer, { type Browser } from "puppeteer-core";
import { hashBuildContext } from "../../../../components/build-context.ts";
import { readMachine } from "../../../../ops/stack/machine-file.ts";
import { CHECKOUT } from "../../../../toolchain/layout.ts";
import { waitFor } from "../eventually.ts";

/** A real headless Chromium in a container on the host's network, so that it reaches what the host reaches. */
export async function openChromium(): Promise<{ browser: Browser; close: () => Promise<void> }> {
  const name = `chromium-test-${process.pid}`;
  await execa("docker", ["run", "--detach", "--rm", "--name", name, "--network", "host", await image()]);
  const close = async () => {
    await execa("docker", ["rm", "--force", name]);
  };
  try {
    let browserWSEndpoint = "";
    await waitFor("Chromium's debugger", async () => {
      const { all } = await execa("docker", ["logs", name], { all: true });
      browserWSEndpoint = /DevTools listening on (ws:\S+)/.exec(all)?.[1] ?? "";
      return browserWSEndpoint !== "";
    });
    return { browser: await puppeteer.connect({ browserWSEndpoint, defaultViewport: null }), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Where a test leaves pictures for people; CI keeps the directory. */
export function artefact(name: string): string {
  const directory = path.join(CHECKOUT, ".toolchain", "test-reports");
  mkdirSync(directory, { recursive: true });
  return path.join(directory, name);
}

async function image(): Promise<string> {
  const baseImage = process.env.MEM0_BASE_IMAGE ?? readMachine(CHECKOUT).baseImage;
  const tag = `mem0/test-chromium:${hashBuildContext(import.meta.dirname, [baseImage]).slice(0, 12)}`;
  const { stdout } = await execa("docker", ["image", "ls", "--quiet", tag]);
  if (stdout === "") {
    await execa("docker", [
      "build",
      "--build-arg",
      `BASE_IMAGE=${baseImage}`,
      "--tag",
      tag,
      import.meta.dirname,
    ]);
  }
  return tag;
}
