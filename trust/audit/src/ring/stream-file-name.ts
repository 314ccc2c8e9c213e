/** The names of the files of a stream: a number that grows by one from file to file. */
import { join } from "node:path";

const digits = 9;
const form = new RegExp(`^(\\d{${digits}})\\.jsonl$`);

export function streamFileName(number: number): string {
  return `${String(number).padStart(digits, "0")}.jsonl`;
}

/** Numbers, ascending. */
export function streamFilesAmong(names: readonly string[]): number[] {
  return names
    .map((name) => Number(form.exec(name)?.[1] ?? Number.NaN))
    .filter((number) => !Number.isNaN(number))
    .toSorted((a, b) => a - b);
}

/** Where the stream lies in the folder that is named: the record of audited events may have the same. */
export function runtimeFolder(folder: string): string {
  return join(folder, "runtime");
}
