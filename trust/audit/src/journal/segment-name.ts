/**
 * The names of the files of a journal: the index of the first event in twelve digits, and what state the file is in.
 * Pure arithmetic; nothing here touches a disk.
 */
const digits = 12;
const form = /^(\d{12})\.jsonl(\.open|\.zst|\.gz)?$/;

/** "open" is being written, or was when its writer ended; the others are complete. */
export type SegmentForm = "open" | "plain" | "zst" | "gz";

export interface SegmentName {
  /** Index in the log of its first event. */
  readonly first: number;
  readonly form: SegmentForm;
}

const endings: Readonly<Record<SegmentForm, string>> = { open: ".open", plain: "", zst: ".zst", gz: ".gz" };

export function segmentName({ first, form }: SegmentName): string {
  return `${String(first).padStart(digits, "0")}.jsonl${endings[form]}`;
}

/** Null for a file that is none. */
export function parseSegmentName(name: string): SegmentName | null {
  const [, first, ending] = form.exec(name) ?? [];
  if (first === undefined) return null;
  return { first: Number(first), form: formOf(ending) };
}

function formOf(ending: string | undefined): SegmentForm {
  switch (ending) {
    case ".open":
      return "open";
    case ".zst":
      return "zst";
    case ".gz":
      return "gz";
    default:
      return "plain";
  }
}

/**
 * Those among `names` that are segments, by index. Of several forms of one segment the plain one counts: the compressed
 * one beside it was not read back when its writer ended.
 */
export function segmentsAmong(names: readonly string[]): SegmentName[] {
  const byFirst = new Map<number, SegmentName>();
  for (const name of names) {
    const segment = parseSegmentName(name);
    if (segment === null) continue;
    const other = byFirst.get(segment.first);
    if (other === undefined || rank[segment.form] < rank[other.form]) byFirst.set(segment.first, segment);
  }
  return [...byFirst.values()].toSorted((a, b) => a.first - b.first);
}

const rank: Readonly<Record<SegmentForm, number>> = { plain: 0, open: 1, zst: 2, gz: 3 };
