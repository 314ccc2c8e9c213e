/** The system's disk, with faults that a test switches on and off. */
import { type Disk, type DiskFile, systemDisk } from "../src/journal/disk.ts";

export interface FaultyDisk extends Disk {
  /** The code that each of these operations fails with; none by default. */
  readonly failing: Map<"create" | "write" | "sync" | "rename" | "syncFolder", string>;
  /** While set, writes wait for it. */
  held: Promise<void> | null;
  /** At most so many bytes of a write are taken. */
  mostTaken: number;
}

export function faultyDisk(): FaultyDisk {
  const check = (operation: "create" | "write" | "sync" | "rename" | "syncFolder") => {
    const code = disk.failing.get(operation);
    if (code !== undefined) throw Object.assign(new Error(`${code}: injected`), { code });
  };
  const wrapped = (file: DiskFile): DiskFile => ({
    ...file,
    async write(bytes, position) {
      await disk.held;
      check("write");
      return await file.write(bytes.subarray(0, disk.mostTaken), position);
    },
    async sync() {
      await file.sync();
      check("sync");
    },
  });
  const disk: FaultyDisk = {
    ...systemDisk,
    failing: new Map(),
    held: null,
    mostTaken: Number.POSITIVE_INFINITY,
    async create(path) {
      check("create");
      return wrapped(await systemDisk.create(path));
    },
    open: async (path) => wrapped(await systemDisk.open(path)),
    async rename(from, to) {
      check("rename");
      await systemDisk.rename(from, to);
    },
    async syncFolder(folder) {
      check("syncFolder");
      await systemDisk.syncFolder(folder);
    },
  };
  return disk;
}
