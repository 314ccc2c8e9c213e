/** Events to record in tests, and what a log has of them. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { WorkEvent } from "@cupel/base";
import { systemDisk } from "../src/journal/disk.ts";
import { readSegment } from "../src/journal/read-journal.ts";
import { segmentName, segmentsAmong } from "../src/journal/segment-name.ts";

/** Masks nothing. */
export const keepAll = { tags: { "sub.id": "keep", "ctx.ip": "keep" }, detect: [] };

export function loadEvent(number: number): WorkEvent {
  return {
    action: "MODEL.LOAD",
    severity: "INFO",
    subject: { kind: "operator", id: "deploy" },
    object: { model: "board-defects", version: String(number) },
    context: { face: "http", code: "200" },
  };
}

/** All segments of a log that nobody writes, one after the other. */
export async function journalText(folder: string): Promise<string> {
  const journal = join(folder, "journal");
  let text = "";
  for (const segment of segmentsAmong(await readdir(journal))) {
    text += await readSegment(systemDisk, join(journal, segmentName(segment)), segment.form);
  }
  return text;
}
