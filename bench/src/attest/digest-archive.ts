/** Entry of a process that digests an archive, and says what it found and the most memory it had. Without a path: what a process has that does nothing. */
import { readFileSync, writeFileSync } from "node:fs";
import type { Manifest } from "@cupel/attest";

export interface DigestedArchive {
  /** Null without an archive. */
  readonly manifest: Manifest | null;
  /** Bytes. */
  readonly peakMemory: number;
}

const [path] = process.argv.slice(2);
const manifest = path === undefined ? null : await (await import("@cupel/attest")).readArchive(path);
// The kernel's own mark: getrusage counts what the process was before it became this one.
const mark = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"));
const answer: DigestedArchive = { manifest, peakMemory: Number(mark?.[1]) * 1024 };
writeFileSync(1, JSON.stringify(answer));
