/**
 * One record of the Linux audit log, a line: `type=EXECVE msg=audit(SECONDS:SERIAL): NAME=VALUE ...`. A value that the kernel takes for
 * unsafe stands in hexadecimal without quotes; one in quotes is itself, also where it looks like hexadecimal.
 */
import { surrogateEscape } from "../../snapshot/source-text.ts";

export interface AuditRecord {
  /** "EXECVE"; numbers, as the kernel prints them, are named where they are of use. */
  readonly type: string;
  /** Of a log that several machines write; "" otherwise. */
  readonly node: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly serial: number;
  /** As they stand, quotes and all. */
  readonly fields: ReadonlyMap<string, string>;
}

const header =
  /^(?:node=(\S+)\s+)?(?:audit:\s+)?type=(\S+)\s+(?:msg=)?audit\((\d{1,12})\.(\d{3}):(\d{1,19})\):?\s*/;
const field = /([A-Za-z_][\w-]*(?:\[\d+\])?)=("[^"]*(?:"|$)|'[^']*(?:'|$)|\S*)/g;
const numbered = new Map([
  ["1300", "SYSCALL"],
  ["1302", "PATH"],
  ["1307", "CWD"],
  ["1309", "EXECVE"],
  ["1320", "EOE"],
  ["1327", "PROCTITLE"],
]);

/** Null for a line that is no record. */
export function parseAuditRecord(line: string): AuditRecord | null {
  const found = header.exec(line);
  if (found === null) return null;
  const [whole, node = "", type = "", seconds, milliseconds, serial] = found;
  // What auditd adds in words, behind this mark, repeats the numbers.
  const [body = ""] = line.slice(whole.length).split("\x1d", 1);
  const fields = new Map<string, string>();
  for (const [, name = "", value = ""] of body.matchAll(field))
    if (!fields.has(name)) fields.set(name, value);
  const kind = numbered.get(type) ?? type;
  return {
    type: kind,
    node,
    at: Number(seconds) * 1000 + Number(milliseconds),
    serial: Number(serial),
    fields,
  };
}

export interface AuditText {
  readonly text: string;
  /** Cut off in the middle. */
  readonly isCut: boolean;
}

/** Null for "(null)", "?", and what is not there. */
export function auditText(value: string | undefined): AuditText | null {
  if (value === undefined || value === "(null)" || value === "?") return null;
  if (value.startsWith('"')) {
    const isWhole = value.length > 1 && value.endsWith('"');
    return { text: value.slice(1, isWhole ? -1 : undefined), isCut: !isWhole };
  }
  if (/^(?:[0-9A-Fa-f]{2})+$/.test(value))
    return { text: surrogateEscape(Buffer.from(value, "hex")), isCut: false };
  const isCutHex = /^[0-9A-F]{9,}$/.test(value);
  return isCutHex
    ? { text: surrogateEscape(Buffer.from(value.slice(0, -1), "hex")), isCut: true }
    : { text: value, isCut: false };
}

export function auditNumber(value: string | undefined): number | null {
  return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : null;
}
