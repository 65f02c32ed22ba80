import { statfs } from "node:fs/promises";
import type { Settings } from "../settings.ts";
import { type Part, sideBySide } from "./part.ts";

/** Free space of each place. */
export function diskPart(disks: Settings["disks"]): Part {
  return {
    name: "disk",
    whenDown: () => {},
    collect: async (page, complain) => {
      const reads = Object.entries(disks).map(([place, path]) => async () => {
        const { bavail, blocks, bsize } = await statfs(path);
        page.set("mem0_disk_free_bytes", bavail * bsize, { place });
        page.set("mem0_disk_size_bytes", blocks * bsize, { place });
      });
      await sideBySide(complain, ...reads);
    },
    close: async () => {},
  };
}
