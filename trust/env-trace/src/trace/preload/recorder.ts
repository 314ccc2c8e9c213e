/**
 * Writes observations down, one line each, at once: into a file of this process, thread and start. Repetitions are counted
 * and written at the second, fourth, eighth and so on, so that nothing has to be done at the end, which a process may not
 * live to see. The file is opened for each line: a program that counts its open files finds none.
 */
import { writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { threadId } from "node:worker_threads";
import type { Observation, ObservationKind } from "../../observation.ts";
import type { Doer } from "./attribution.ts";
import { assign, create, NameMap, now, toJson } from "./primordials.ts";

const appending = { __proto__: null, encoding: "utf8", flag: "a", mode: 0o600 } as const;

export interface Sight {
  readonly kind: ObservationKind;
  readonly key: string | null;
  readonly doer: Doer;
  readonly denied: boolean;
  readonly command?: string | null;
  readonly child?: number | null;
}

interface Counted {
  readonly caller: string | null;
  seen: number;
  written: number;
}

/** Of one package, kind and key: how often by which caller and command. */
interface Known {
  readonly variants: NameMap<Counted>;
  last: Counted;
}

export interface Recorder {
  /** Whether the like of it was written already: then the whole stack need not be looked at. */
  isKnown(kind: ObservationKind, key: string | null, owner: string): boolean;
  record(sight: Sight): void;
}

/** @param masked takes values of tagged variables out of a text */
export function createRecorder(folder: string, masked: (text: string) => string): Recorder {
  const file = join(folder, `${process.pid}-${threadId}-${now()}.jsonl`);
  const packages = new NameMap<NameMap<Known>>();
  let hasFailed = false;

  const factsOf = (owner: string): NameMap<Known> => {
    const found = packages.get(owner);
    if (found !== undefined) return found;
    const made = new NameMap<Known>();
    packages.set(owner, made);
    return made;
  };
  const factOf = (kind: ObservationKind, key: string | null) => `${kind} ${key ?? ""}`;

  return {
    isKnown: (kind, key, owner) => factsOf(owner).get(factOf(kind, key)) !== undefined,
    record(sight) {
      const { kind, key, doer, command = null } = sight;
      const facts = factsOf(doer.owner.package);
      const fact = factOf(kind, key);
      const known = facts.get(fact);
      const counted =
        doer.isWhole || known === undefined ? variantOf(known, doer.caller, command) : known.last;
      if (known === undefined) facts.set(fact, firstOf(counted, command));
      else known.last = counted;
      counted.seen++;
      if (counted.written > 0 && counted.seen < 2 * counted.written) return;
      const count = counted.seen - counted.written;
      counted.written = counted.seen;
      const shown = {
        key: key === null ? null : masked(key),
        command: command === null ? null : masked(command),
      };
      write(lineOf({ ...sight, ...shown }, counted.caller, count));
    },
  };

  function variantOf(known: Known | undefined, caller: string | null, command: string | null): Counted {
    const name = variantName(caller, command);
    const found = known?.variants.get(name);
    if (found !== undefined) return found;
    const made = { caller, seen: 0, written: 0 };
    known?.variants.set(name, made);
    return made;
  }

  function firstOf(counted: Counted, command: string | null): Known {
    const variants = new NameMap<Counted>();
    variants.set(variantName(counted.caller, command), counted);
    return { variants, last: counted };
  }

  function write(text: string): void {
    try {
      // Not appendFileSync: it calls what a program may have put in the place of this one.
      writeFileSync(file, `${text}\n`, appending);
    } catch (thrown) {
      if (hasFailed) return;
      hasFailed = true;
      const reason = thrown instanceof Error ? thrown.message : String(thrown);
      writeSync(2, `cupel env trace: what process ${process.pid} does is not written: ${reason}\n`);
    }
  }
}

const variantName = (caller: string | null, command: string | null) => `${caller ?? ""} ${command ?? ""}`;

function lineOf(
  { kind, key, doer, denied, command, child }: Sight,
  caller: string | null,
  count: number,
): string {
  const observation: Observation = {
    at: now(),
    pid: process.pid,
    thread: threadId,
    kind,
    key,
    package: doer.owner.package,
    caller,
    class: doer.owner.class,
    file: doer.file,
    line: doer.line(),
    denied,
    count,
    command: command ?? null,
    child: child ?? null,
  };
  // Without a prototype: a `toJSON` on that of objects would be asked.
  return toJson(assign(create(null), observation));
}
