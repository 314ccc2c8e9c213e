/**
 * The root of a manifest by the definitions alone, for tests: RFC 6962's recursive formula of a tree's hash, and leaves
 * put together as src/manifest/merkle-root.ts describes them.
 */
import { createHash } from "node:crypto";

export interface ReferenceEntry {
  readonly path: string;
  readonly kind: "file" | "link" | "folder";
  readonly executable?: boolean;
  /** Of a file its bytes, of a link its target. */
  readonly content?: Uint8Array;
}

function digest(name: string, ...parts: Uint8Array[]): Buffer {
  const hash = createHash(name);
  for (const part of parts) hash.update(part);
  return hash.digest();
}

export function referenceTreeHash(name: string, leaves: readonly Uint8Array[]): Buffer {
  if (leaves.length === 0) return digest(name);
  if (leaves.length === 1) return digest(name, Buffer.from([0]), leaves[0]!);
  let k = 1;
  while (2 * k < leaves.length) k *= 2;
  return digest(
    name,
    Buffer.from([1]),
    referenceTreeHash(name, leaves.slice(0, k)),
    referenceTreeHash(name, leaves.slice(k)),
  );
}

export function referenceRoots(entries: readonly ReferenceEntry[]): { sha256: string; sm3: string } {
  const leaves = entries
    .toSorted((a, b) => (Buffer.from(a.path).equals(Buffer.from(b.path)) ? 0 : byCodePoint(a.path, b.path)))
    .map(({ path, kind, executable = false, content = Buffer.alloc(0) }) => {
      const name = Buffer.from(path, "utf8");
      const hex = (value: number, digits: number) => value.toString(16).padStart(digits, "0");
      return Buffer.concat([
        Buffer.from(`01${hex(name.length, 8)}`, "hex"),
        name,
        Buffer.from(`0${{ file: 1, link: 2, folder: 3 }[kind]}0${executable ? 1 : 0}`, "hex"),
        Buffer.from(hex(content.length, 16), "hex"),
        digest("sha256", content),
        digest("sm3", content),
      ]);
    });
  return {
    sha256: referenceTreeHash("sha256", leaves).toString("hex"),
    sm3: referenceTreeHash("sm3", leaves).toString("hex"),
  };
}

function byCodePoint(a: string, b: string): number {
  const [one, other] = [[...a], [...b]].map((each) => each.map((c) => c.codePointAt(0)!));
  for (let i = 0; i < Math.min(one!.length, other!.length); i++) {
    if (one![i] !== other![i]) return one![i]! - other![i]!;
  }
  return one!.length - other!.length;
}
