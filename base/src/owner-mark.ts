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

/** Whether the owner is known to be gone; never where the text is no mark. */
export function isAbandoned(mark: string): boolean {
  const [, where, pid] = form.exec(mark) ?? [];
  if (where !== placeMark()) return false;
  return !isRunning(Number(pid)) || markOf(Number(pid)) !== mark;
}

function markOf(pid: number): string {
  return `${placeMark()}-${pid}-${startOf(pid)}`;
}

function placeMark(): string {
  place ??= digest([hostname(), textOf("/etc/machine-id"), linkOf("/proc/self/ns/pid")].join("\n"));
  return place;
}

function startOf(pid: number): string {
  // After the command, which is in parentheses and may hold anything: fields 3 and on. See proc_pid_stat(5).
  const fields = textOf(`/proc/${pid}/stat`)
    .replace(/^.*\)\s*/s, "")
    .split(" ");
  const ticks = fields[22 - 3];
  return ticks === undefined ? "0" : digest(`${textOf("/proc/sys/kernel/random/boot_id")}\n${ticks}`);
}

/** One that may not be asked, being another user's, runs. */
function isRunning(pid: number): boolean {
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
