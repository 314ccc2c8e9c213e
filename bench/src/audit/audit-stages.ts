/** What each stage of an event costs the recorder's thread, one after the other over the same events. */
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type AuditEvent,
  checkEvent,
  createEventStamper,
  leafHash,
  lineOf,
  openFileKeys,
  openMasker,
  openSubjectKeys,
} from "@cupel/audit";
import { benchmarkEvent } from "./audit-work.ts";

export interface StageCosts {
  /** Microseconds of processor time an event. */
  readonly stampAndCheck: number;
  readonly mask: number;
  readonly line: number;
  /** On the hashing thread, leaf only. */
  readonly leafHash: number;
}

const count = 50_000;

export async function measureStages(folder: string): Promise<StageCosts> {
  const keyFile = join(folder, "masking-keys");
  await writeFile(keyFile, `2026:${randomBytes(32).toString("base64")}\n`, { mode: 0o600 });
  await using provider = await openFileKeys(keyFile);
  await using keys = await openSubjectKeys(join(folder, "subject-keys"), {
    provider,
    cipher: "aes-256-gcm",
    hash: "sha256",
  });
  const masker = openMasker({}, keys);
  const stamper = createEventStamper({ writer: "benchmark" });
  const given = Array.from({ length: count }, (_, i) => benchmarkEvent(i));
  const stamped: AuditEvent[] = new Array(count);
  const masked: AuditEvent[] = new Array(count);
  const lines: string[] = new Array(count);
  const bytes: Buffer[] = new Array(count);
  const stages = () => ({
    stampAndCheck: cost((i) => {
      const event = stamper.stamp(given[i]!);
      if (checkEvent(event) !== null) throw new Error("An event of the benchmark does not conform.");
      stamped[i] = event;
    }),
    mask: cost((i) => {
      masked[i] = masker.mask(stamped[i]!);
    }),
    line: cost((i) => {
      lines[i] = lineOf(masked[i]!);
      bytes[i] = Buffer.from(lines[i]!);
    }),
    leafHash: cost((i) => void leafHash(bytes[i]!)),
  });
  stages();
  const costs = stages();
  await masker.settled();
  return costs;
}

/** One thread and no waiting: wall time is processor time, as far as nothing else runs. */
function cost(stage: (index: number) => void): number {
  const before = process.cpuUsage();
  for (let i = 0; i < count; i++) stage(i);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}
