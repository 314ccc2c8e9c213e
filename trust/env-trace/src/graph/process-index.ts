/**
 * Which process is meant: by its GUID where there is one, else by number and time, since numbers come again. Events may come in any order,
 * also the newest first; so processes are kept by number in the order of their starts.
 */
import type { ProcessName, ProcessStart } from "./process-event.ts";

/** Milliseconds by which two logs may differ on the start of one process. */
const skewMs = 2_000;

export interface KnownProcess {
  readonly start: ProcessStart;
  /** Null: not in the log. */
  endedAt: number | null;
}

export class ProcessIndex {
  readonly #byGuid = new Map<string, KnownProcess>();
  /** In the order of their starts. */
  readonly #byPid = new Map<string, KnownProcess[]>();
  readonly #ends: { key: string; at: number }[] = [];

  /** @returns the same process where another log had it already */
  add(start: ProcessStart): KnownProcess {
    const list = this.#listOf(start);
    const twin = list?.find(({ start: other }) => areOne(start, other));
    if (twin !== undefined) {
      if (start.guid !== null) this.#byGuid.set(guidKey(start), twin);
      return twin;
    }
    const added = { start, endedAt: null };
    if (start.guid !== null) this.#byGuid.set(guidKey(start), added);
    if (list !== null) {
      const at = list.findLastIndex(({ start: other }) => other.at <= start.at);
      list.splice(at + 1, 0, added);
    }
    return added;
  }

  end(name: ProcessName, at: number): void {
    if (name.pid !== null) this.#ends.push({ key: pidKey(name), at });
  }

  /** When all is read: whose end each was. */
  settleEnds(): void {
    for (const { key, at } of this.#ends.splice(0)) {
      const ended = this.#byPid.get(key)?.findLast(({ start }) => start.at <= at);
      if (ended !== undefined) ended.endedAt ??= at;
    }
  }

  /** Of a process that did something at that time. Of the child of one, `child`: it is not its own parent. */
  find(name: ProcessName, at: number, child: KnownProcess | null = null): KnownProcess | null {
    if (name.guid !== null) return this.#byGuid.get(guidKey(name)) ?? null;
    if (name.pid === null) return null;
    const found = this.#byPid
      .get(pidKey(name))
      ?.findLast(
        (each) =>
          each !== child && each.start.at <= at && (each.endedAt === null || each.endedAt >= at - skewMs),
      );
    if (found === undefined) return null;
    // The number is another's by now.
    const isOther =
      name.image !== null && found.start.image !== null && fold(name.image) !== fold(found.start.image);
    return isOther ? null : found;
  }

  #listOf(name: ProcessName): KnownProcess[] | null {
    if (name.pid === null) return null;
    const key = pidKey(name);
    const list = this.#byPid.get(key) ?? [];
    this.#byPid.set(key, list);
    return list;
  }
}

function areOne(a: ProcessStart, b: ProcessStart): boolean {
  if (a.guid !== null && b.guid !== null) return a.guid === b.guid;
  return (
    a.log !== b.log &&
    a.log !== "auditd" &&
    b.log !== "auditd" &&
    Math.abs(a.at - b.at) <= skewMs &&
    fold(a.image ?? "") === fold(b.image ?? "")
  );
}

function guidKey({ host, guid }: ProcessName): string {
  return `${host} ${guid}`;
}

function pidKey({ host, pid }: ProcessName): string {
  return `${host} ${pid}`;
}

function fold(image: string): string {
  return image.toLowerCase();
}
