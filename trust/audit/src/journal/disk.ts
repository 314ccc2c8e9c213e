/**
 * What the journal asks of a file system, and nothing more: small enough that a test can put a simulated disk in its
 * place, which forgets at a crash whatever was not synchronised. Every failure is the system's, with its `code`.
 */
import {
  close,
  fdatasync,
  fstat,
  fsync,
  ftruncate,
  open,
  read,
  readSync,
  type Stats,
  stat,
  statSync,
  write,
} from "node:fs";
import { mkdir, readdir, readFile, rename, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";

export interface DiskFile {
  /** May take fewer bytes than offered and say so: no error is thrown then. @returns how many were taken */
  write(bytes: Uint8Array, position: number): Promise<number>;
  /**
   * `length` bytes, or fewer where the file is shorter. Also of a file whose name is gone.
   * @param isAwake see `Disk.identity`
   */
  read(position: number, length: number, isAwake?: boolean): Promise<Buffer>;
  truncate(length: number): Promise<void>;
  /** What was written is durable when it resolves. After it failed nothing may be believed that this descriptor says. */
  sync(): Promise<void>;
  identity(): Promise<FileIdentity>;
  close(): Promise<void>;
}

export interface FileIdentity {
  readonly device: number;
  readonly inode: number;
  /** Names that lead to it; 0 after it was unlinked. */
  readonly links: number;
  readonly size: number;
}

export interface Disk {
  /** For reading and writing; fails with EEXIST where the name is taken. */
  create(path: string): Promise<DiskFile>;
  /** For reading and writing, from what is there. */
  open(path: string): Promise<DiskFile>;
  /** The whole file. */
  read(path: string): Promise<Buffer>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Names that were made, changed or removed in the folder are durable when it resolves. */
  syncFolder(folder: string): Promise<void>;
  /**
   * Null where nothing has this name.
   * @param isAwake whether the disk has answered just now. Then the thread itself asks, which costs a tenth of asking by another
   * one; of a disk that hangs it would hang too. Default false.
   */
  identity(path: string, isAwake?: boolean): Promise<FileIdentity | null>;
  list(folder: string): Promise<string[]>;
  /** And those around it, each synchronised in the one around. */
  makeFolder(folder: string): Promise<void>;
}

const system = {
  open: promisify(open),
  // Promisified, these two would make an object for each call.
  write: (fd: number, bytes: Uint8Array, position: number) =>
    new Promise<number>((resolve, reject) => {
      write(fd, bytes, 0, bytes.byteLength, position, (error, taken) =>
        error ? reject(error) : resolve(taken),
      );
    }),
  read: (fd: number, bytes: Uint8Array, position: number) =>
    new Promise<number>((resolve, reject) => {
      read(fd, bytes, 0, bytes.byteLength, position, (error, got) => (error ? reject(error) : resolve(got)));
    }),
  truncate: promisify(ftruncate),
  syncData: promisify(fdatasync),
  sync: promisify(fsync),
  statFile: promisify(fstat),
  stat: promisify(stat),
  close: promisify(close),
};

async function fileOf(path: string, flags: string): Promise<DiskFile> {
  const fd = await system.open(path, flags, 0o640);
  return {
    write: (bytes, position) => system.write(fd, bytes, position),
    async read(position, length, isAwake = false) {
      const bytes = Buffer.allocUnsafe(length);
      let filled = 0;
      while (filled < length) {
        const rest = bytes.subarray(filled);
        const at = position + filled;
        const got = isAwake ? readSync(fd, rest, 0, rest.length, at) : await system.read(fd, rest, at);
        if (got === 0) break;
        filled += got;
      }
      return bytes.subarray(0, filled);
    },
    truncate: (length) => system.truncate(fd, length),
    sync: () => system.syncData(fd),
    identity: async () => identityOf(await system.statFile(fd)),
    close: () => system.close(fd),
  };
}

function identityOf({ dev, ino, nlink, size }: Stats): FileIdentity {
  return { device: dev, inode: ino, links: nlink, size };
}

export const systemDisk: Disk = {
  create: (path) => fileOf(path, "wx+"),
  open: (path) => fileOf(path, "r+"),
  read: (path) => readFile(path),
  rename,
  unlink,
  async syncFolder(folder) {
    // Windows has no descriptors of folders; its file systems keep names in a journal of their own.
    if (process.platform === "win32") return;
    const fd = await system.open(folder, "r");
    try {
      await system.sync(fd);
    } finally {
      await system.close(fd);
    }
  },
  async identity(path, isAwake = false) {
    try {
      return identityOf(isAwake ? statSync(path) : await system.stat(path));
    } catch (thrown) {
      if (isErrno(thrown, "ENOENT")) return null;
      throw thrown;
    }
  },
  list: (folder) => readdir(folder),
  async makeFolder(folder) {
    const found = await system.stat(folder).catch(() => null);
    if (found?.isDirectory()) return;
    const around = dirname(folder);
    if (around !== folder) await systemDisk.makeFolder(around);
    try {
      await mkdir(folder);
    } catch (thrown) {
      // Another process may have made it since.
      if (!isErrno(thrown, "EEXIST")) throw thrown;
    }
    await systemDisk.syncFolder(around);
  },
};

export function isErrno(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === code;
}
