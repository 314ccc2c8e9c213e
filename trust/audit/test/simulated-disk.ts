/**
 * A disk in memory that keeps what a disk must and nothing more. What was written and not synchronised may be there after
 * a crash or not, each sector of each write by itself; so may each name that was made, changed or removed in a folder
 * that was not synchronised since. A synchronisation that fails may have kept any part, and the next one says success.
 */
import { dirname } from "node:path";
import type { Random } from "@cupel/base";
import type { Disk, DiskFile, FileIdentity } from "../src/journal/disk.ts";

/** Small, so that short lines are torn. */
const sector = 16;

type FileChange =
  | { readonly kind: "write"; readonly position: number; readonly bytes: Buffer }
  | { readonly kind: "truncate"; readonly length: number };

type NameChange =
  | { readonly kind: "link"; readonly path: string; readonly inode: Inode }
  | { readonly kind: "unlink"; readonly path: string }
  | { readonly kind: "rename"; readonly from: string; readonly to: string };

interface Inode {
  readonly number: number;
  durable: Buffer;
  seen: Buffer;
  pending: FileChange[];
}

export type Operation =
  | "create"
  | "open"
  | "write"
  | "truncate"
  | "sync"
  | "rename"
  | "unlink"
  | "syncFolder";

export interface SimulatedDisk extends Disk {
  /** What is on the disk when it is started again after the power went. */
  crash(random: Random): SimulatedDisk;
  /** As somebody else would, not through the journal. */
  readonly names: ReadonlyMap<string, Inode>;
}

/** Asked at each operation: null lets it be done, "power" ends all, "short" takes a part of a write, else an error's code. */
export type Faults = (operation: Operation, path: string) => string | null;

export class PowerLoss extends Error {}

export function simulatedDisk(
  faults: Faults,
  random: Random,
  durable = new Map<string, Inode>(),
  folders = new Set<string>(["/"]),
): SimulatedDisk {
  const names = new Map(durable);
  const pendingNames: NameChange[] = [];
  let numbers = 1 + Math.max(0, ...[...durable.values()].map(({ number }) => number));
  let off = false;

  const ask = (operation: Operation, path: string): string | null => {
    if (off) throw new PowerLoss();
    const fault = faults(operation, path);
    if (fault === "power") {
      off = true;
      throw new PowerLoss();
    }
    return fault;
  };
  const run = async (operation: Operation, path: string): Promise<"short" | null> => {
    await null;
    const fault = ask(operation, path);
    if (fault === null || fault === "short") return fault;
    throw errno(fault);
  };
  const found = (path: string): Inode => {
    if (off) throw new PowerLoss();
    const inode = names.get(path);
    if (inode === undefined) throw errno("ENOENT");
    return inode;
  };
  const identity = (inode: Inode): FileIdentity => ({
    device: 1,
    inode: inode.number,
    links: [...names.values()].filter((other) => other === inode).length,
    size: inode.seen.byteLength,
  });
  const change = (next: NameChange) => {
    pendingNames.push(next);
    applyName(names, next);
  };
  const fileOf = (path: string, inode: Inode): DiskFile => ({
    async write(bytes, position) {
      const short = (await run("write", path)) === "short";
      const taken = short ? Math.max(1, random.integer(bytes.byteLength)) : bytes.byteLength;
      const part = Buffer.from(bytes.subarray(0, taken));
      inode.seen = written(inode.seen, position, part);
      inode.pending.push({ kind: "write", position, bytes: part });
      return taken;
    },
    async read(position, length) {
      if (off) throw new PowerLoss();
      return inode.seen.subarray(position, position + length);
    },
    async truncate(length) {
      await run("truncate", path);
      inode.seen = cut(inode.seen, length);
      inode.pending.push({ kind: "truncate", length });
    },
    async sync() {
      try {
        await run("sync", path);
      } catch (thrown) {
        if (!(thrown instanceof PowerLoss)) {
          inode.durable = survivors(inode, random);
          inode.pending = [];
        }
        throw thrown;
      }
      for (const pending of inode.pending) inode.durable = applied(inode.durable, pending);
      inode.pending = [];
    },
    identity: async () => identity(inode),
    async close() {},
  });

  return {
    names,
    async create(path) {
      await run("create", path);
      if (names.has(path)) throw errno("EEXIST");
      if (!folders.has(dirname(path))) throw errno("ENOENT");
      const inode: Inode = {
        number: numbers++,
        durable: Buffer.alloc(0),
        seen: Buffer.alloc(0),
        pending: [],
      };
      change({ kind: "link", path, inode });
      return fileOf(path, inode);
    },
    async open(path) {
      await run("open", path);
      return fileOf(path, found(path));
    },
    read: async (path) => Buffer.from(found(path).seen),
    async rename(from, to) {
      await run("rename", from);
      found(from);
      change({ kind: "rename", from, to });
    },
    async unlink(path) {
      await run("unlink", path);
      found(path);
      change({ kind: "unlink", path });
    },
    async syncFolder(folder) {
      await run("syncFolder", folder);
      const touches = (next: NameChange) =>
        next.kind === "rename"
          ? dirname(next.from) === folder || dirname(next.to) === folder
          : dirname(next.path) === folder;
      for (const next of pendingNames.filter(touches)) {
        applyName(durable, next);
        pendingNames.splice(pendingNames.indexOf(next), 1);
      }
    },
    identity: async (path) => {
      if (off) throw new PowerLoss();
      const inode = names.get(path);
      return inode === undefined ? null : identity(inode);
    },
    list: async (folder) =>
      [...names.keys()]
        .filter((path) => dirname(path) === folder)
        .map((path) => path.slice(folder.length + 1)),
    // Folders are made once, before anything is at stake.
    async makeFolder(folder) {
      folders.add(folder);
    },
    crash(choice) {
      const left = new Map(durable);
      for (const next of pendingNames) if (choice.uniform() < 0.5) applyName(left, next);
      const kept = new Map<string, Inode>();
      for (const [path, inode] of left) {
        const content = survivors(inode, choice);
        kept.set(path, { number: inode.number, durable: content, seen: content, pending: [] });
      }
      return simulatedDisk(faults, choice, kept, folders);
    },
  };
}

function applyName(names: Map<string, Inode>, next: NameChange): void {
  switch (next.kind) {
    case "link":
      names.set(next.path, next.inode);
      break;
    case "unlink":
      names.delete(next.path);
      break;
    case "rename": {
      const inode = names.get(next.from);
      if (inode === undefined) break;
      names.delete(next.from);
      names.set(next.to, inode);
    }
  }
}

/** The durable bytes and any part of what was not synchronised, sector by sector. */
function survivors(inode: Inode, random: Random): Buffer {
  let content = inode.durable;
  for (const pending of inode.pending) {
    if (pending.kind === "truncate") {
      if (random.uniform() < 0.5) content = cut(content, pending.length);
      continue;
    }
    const { position, bytes } = pending;
    let start = 0;
    while (start < bytes.byteLength) {
      const end = Math.min(bytes.byteLength, start + sector - ((position + start) % sector));
      if (random.uniform() < 0.6) content = written(content, position + start, bytes.subarray(start, end));
      start = end;
    }
  }
  return content;
}

function applied(content: Buffer, change: FileChange): Buffer {
  return change.kind === "truncate"
    ? cut(content, change.length)
    : written(content, change.position, change.bytes);
}

function written(content: Buffer, position: number, bytes: Uint8Array): Buffer {
  const next = Buffer.alloc(Math.max(content.byteLength, position + bytes.byteLength));
  content.copy(next);
  next.set(bytes, position);
  return next;
}

function cut(content: Buffer, length: number): Buffer {
  const next = Buffer.alloc(length);
  content.copy(next, 0, 0, length);
  return next;
}

function errno(code: string): Error {
  return Object.assign(new Error(`${code}: simulated`), { code });
}
