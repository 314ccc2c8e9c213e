/** Processor time of another process, as Linux tells it. */
import { readFile } from "node:fs/promises";

/** Of its clock; all that Node runs on have it. */
const ticksPerSecond = 100;

/** Of all its threads, those that have ended too, in milliseconds. */
export async function processTime(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8");
  // The name, in parentheses, may hold anything. Fields 14 and 15 of proc(5): user and system.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond;
}
