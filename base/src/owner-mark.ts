/**
 * Who owns a temporary name: the process whose mark is in it. A process that is killed removes nothing; by the mark a
 * later one knows what nobody will ever remove (`remove-abandoned.ts`).
 *
 * A mark is PLACE-PID-START. The number of a process is given to another one later, so START, where the system tells it
 * (Linux), is when the process began, in ticks since this boot. Elsewhere it is 0, and what a killed process left stays
 * until no process has its number. Numbers mean something in one place only, and a folder may be shared by several:
 * PLACE stands for the machine and, in a container, for the container. What another place owns is never judged here.
 */
import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

let place: string | null = null;
let own: string | null = null;

/** Of this process, the same in all its threads. */
export function ownerMark(): string {
  own ??= markOf(process.pid);
  return own;
}

const form = /^([0-9a-f]{8})-(\d{1,10})-[0-9a-f]{1,8}$/;

/**
 * "unknown": the text is no mark, another place owns it, or the system does not tell when the process began, so that the
 * one that runs may be another of the same number.
 */
export function ownerState(mark: string): "running" | "gone" | "unknown" {
  const [, where, pid, start] = form.exec(mark) ?? [];
  if (where !== placeMark()) return "unknown";
  if (!isRunning(Number(pid)) || markOf(Number(pid)) !== mark) return "gone";
  return start === UNTOLD && mark !== ownerMark() ? "unknown" : "running";
}

/** Whether the owner is known to be gone; never where the text is no mark. */
export function isAbandoned(mark: string): boolean {
  return ownerState(mark) === "gone";
}

function markOf(pid: number): string {
  return `${placeMark()}-${pid}-${startOf(pid)}`;
}

function placeMark(): string {
  place ??= digest([hostname(), textOf("/etc/machine-id"), linkOf("/proc/self/ns/pid")].join("\n"));
  return place;
}

/** The start of a process where the system does not tell it. */
const UNTOLD = "0";

function startOf(pid: number): string {
  const ticks = fieldOf(pid, 22);
  return ticks === undefined ? UNTOLD : digest(`${textOf("/proc/sys/kernel/random/boot_id")}\n${ticks}`);
}

/** A field of proc_pid_stat(5), from the third on; undefined where the system has no such file. */
function fieldOf(pid: number, field: number): string | undefined {
  // After the command, which is in parentheses and may hold anything.
  const fields = textOf(`/proc/${pid}/stat`)
    .replace(/^.*\)\s*/s, "")
    .split(" ");
  return fields[field - 3];
}

/** One that may not be asked, being another user's, runs. One that ended, and whose parent has not asked how, does not. */
function isRunning(pid: number): boolean {
  if (["Z", "X"].includes(fieldOf(pid, 3) ?? "")) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return !(thrown instanceof Error && "code" in thrown && thrown.code === "ESRCH");
  }
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}

/** Empty where the system has no such file. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
