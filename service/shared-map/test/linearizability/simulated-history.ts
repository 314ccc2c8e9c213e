/**
 * Histories whose truth is known: threads call, a map is changed in one atomic moment, they return, and a seeded
 * random decides who goes next. Every such history is linearizable, by its construction; a fault is put in
 * where the map is, as a broken map would have it. The map is JavaScript's, not the specification's table, so
 * that a mistake in the table shows.
 */
import type { Random } from "@cupel/base";
import type { Operation, OperationKind, OperationResult } from "./history.ts";

export type Fault = "stale read" | "lost update" | "resurrected delete";

export interface Workload {
  readonly threads: number;
  readonly operations: number;
  readonly keys: number;
  readonly kinds: readonly OperationKind[];
  /** The argument of the operation that is called as the `serial`th. */
  argument(serial: number): number;
  /** Probability, a step, that a thread in an operation is terminated and replaced. Default 0. */
  readonly terminates?: number;
  /** Happens once, at the first operation it can happen to from the `after`th effect on. */
  readonly fault?: { readonly kind: Fault; readonly after: number };
}

export interface Simulation {
  readonly history: Operation[];
  /** Whether the fault found an operation to happen to. */
  readonly injected: boolean;
}

type Request = Pick<Operation, "kind" | "key" | "argument">;

/** One atomic step of a map. */
export function applyTo(map: Map<number, number>, { kind, key, argument = 0 }: Request): OperationResult {
  const current = map.get(key);
  switch (kind) {
    case "get":
      return current;
    case "has":
      return map.has(key);
    case "set":
      map.set(key, argument);
      return undefined;
    case "delete":
      return map.delete(key);
    case "computeDelete":
      map.delete(key);
      return undefined;
    case "add":
      return map.set(key, (current ?? 0) + argument).get(key);
    case "compute":
      return map.set(key, ((current ?? 0) * 3 + argument) % 1_000_003).get(key);
    case "getOrInsert":
      return map.has(key) ? current : map.set(key, argument).get(key);
    case "setIfAbsent":
      return !map.has(key) && map.set(key, argument).has(key);
    case "compareAndSet": {
      const expected = argument < 1000 ? undefined : Math.floor(argument / 1000) - 1;
      return current === expected && map.set(key, argument % 1000).has(key);
    }
  }
}

const withoutArgument: readonly OperationKind[] = ["get", "has", "delete", "computeDelete"];
/** One operation in so many stalls, as a thread does that lost its core, for at most as many steps. */
const STALLS = 20;
const LONGEST_STALL = 200;

interface SimulatedThread {
  readonly number: number;
  /** Steps begin again after this one. */
  stalledUntil: number;
  running:
    | { readonly request: Request; readonly call: number; applied: boolean; result: OperationResult }
    | undefined;
}

export function simulateHistory(random: Random, workload: Workload): Simulation {
  const history: Operation[] = [];
  const map = createMap(workload.fault);
  let tickets = 0;
  let called = 0;
  let numbers = 0;
  const createThread = (): SimulatedThread => ({ number: numbers++, stalledUntil: 0, running: undefined });
  const threads = Array.from({ length: workload.threads }, createThread);

  function record(thread: SimulatedThread, end: number): void {
    const { request, call, result } = thread.running!;
    history.push({ thread: thread.number, ...request, result, call, return: end });
    thread.running = undefined;
  }

  function call(): SimulatedThread["running"] {
    const kind = workload.kinds[random.integer(workload.kinds.length)]!;
    const argument = withoutArgument.includes(kind) ? undefined : workload.argument(called);
    const request = { kind, key: random.integer(workload.keys), argument };
    called++;
    return { request, call: tickets++, applied: false, result: undefined };
  }

  for (let step = 0; called < workload.operations || threads.some((thread) => thread.running); step++) {
    const index = random.integer(threads.length);
    const thread = threads[index]!;
    if (thread.stalledUntil > step) continue;
    if (random.integer(STALLS) === 0) thread.stalledUntil = step + random.integer(LONGEST_STALL);
    else if (thread.running === undefined) {
      if (called < workload.operations) thread.running = call();
    } else if (workload.terminates !== undefined && random.uniform() < workload.terminates) {
      thread.running.result = undefined;
      record(thread, Number.POSITIVE_INFINITY);
      threads[index] = createThread();
    } else if (!thread.running.applied) {
      thread.running.applied = true;
      thread.running.result = map.apply(thread.running.request);
    } else record(thread, tickets++);
  }
  return { history, injected: map.injected() };
}

function createMap(fault: Workload["fault"]) {
  const map = new Map<number, number>();
  /** What each key was before its last change. */
  const previous = new Map<number, number | undefined>();
  let effects = 0;
  let injected = false;

  /** Whether the operation could be the fault's, and what the broken map answers. */
  function breakAt(request: Request): { readonly result: OperationResult } | undefined {
    const current = map.get(request.key);
    if (fault?.kind === "stale read" && request.kind === "get" && previous.has(request.key))
      return { result: previous.get(request.key) };
    const loses = fault?.kind === "lost update" && request.kind === "add";
    const resurrects =
      fault?.kind === "resurrected delete" && request.kind === "delete" && current !== undefined;
    return loses || resurrects ? { result: applyTo(new Map(map), request) } : undefined;
  }

  return {
    injected: () => injected,
    apply(request: Request): OperationResult {
      const broken =
        injected || fault === undefined || effects++ < fault.after ? undefined : breakAt(request);
      if (broken !== undefined) {
        injected = true;
        return broken.result;
      }
      const before = map.get(request.key);
      const result = applyTo(map, request);
      if (map.get(request.key) !== before) previous.set(request.key, before);
      return result;
    },
  };
}
