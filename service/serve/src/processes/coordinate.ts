/**
 * In the process that supervises: keeps the models of all processes the same. Every load and unload is passed to all in one
 * order; a process that starts later is told what the others have in service, and does what is asked meanwhile before it
 * serves. At the first start all begin to serve together, so that none refuses while another answers.
 */
import cluster, { type Worker } from "node:cluster";
import { type CupelError, type PostedError, postError, publicError, reviveError } from "@cupel/base";
import { serveErrors } from "../errors.ts";
import type { Standing } from "../repository/standing.ts";
import { type FromSupervisor, isToSupervisor, type ModelChange } from "./protocol.ts";

export interface CoordinateOptions {
  /** Processes that there are to be. */
  readonly count: number;
  /** Called when the process answers requests from now on. */
  serves(worker: Worker, about: unknown): void;
}

export interface Coordination extends Disposable {
  /** Whether any process ever served. */
  readonly hasServed: boolean;
}

/** A process that does not say what it has in service in this time, in ms, is not waited for. */
const patience = 10_000;

interface Change {
  readonly asker: Worker;
  readonly id: number;
  readonly change: ModelChange;
  readonly model: string;
  readonly waitsFor: Set<Worker>;
  readonly answers: { readonly pid: number; readonly error: PostedError | null }[];
}

export function coordinate({ count, serves }: CoordinateOptions): Coordination {
  const members = new Map<Worker, { isServing: boolean; loaded: { readonly about: unknown } | null }>();
  const changes = new Map<number, Change>();
  const tellers = new Map<number, { readonly worker: Worker; told(standing: Standing | null): void }>();
  let hasServed = false;
  let lastRound = 0;

  const serving = (): Worker[] =>
    [...members].flatMap(([worker, { isServing }]) => (isServing ? worker : []));

  /** Null where none of the others says it. */
  async function standingOfOthers(): Promise<Standing | null> {
    for (;;) {
      const [worker] = serving();
      if (worker === undefined) return null;
      const round = ++lastRound;
      const { promise, resolve } = Promise.withResolvers<Standing | null>();
      tellers.set(round, { worker, told: resolve });
      const timer = setTimeout(resolve, patience, null);
      post(worker, { cupel: "tell-standing", round });
      const standing = await promise;
      clearTimeout(timer);
      tellers.delete(round);
      // One that has ended meanwhile is no member any more: the next is asked.
      if (standing !== null || members.has(worker)) return standing;
    }
  }

  async function enter(worker: Worker): Promise<void> {
    members.set(worker, { isServing: false, loaded: null });
    // From here on it hears of every change; what is under way may not yet be in what the others tell.
    for (const [round, { change, model }] of changes)
      post(worker, { cupel: "do-change", round, change, model });
    const standing = await standingOfOthers();
    post(worker, { cupel: "entered", standing, isLater: hasServed });
  }

  function loaded(worker: Worker, about: unknown): void {
    const member = members.get(worker);
    if (member === undefined) return;
    member.loaded = { about };
    const waiting = [...members].filter(([, { loaded, isServing }]) => loaded !== null && !isServing);
    if (!hasServed && waiting.length < count) return;
    hasServed = true;
    for (const [each, state] of waiting) {
      state.isServing = true;
      post(each, { cupel: "serve" });
      serves(each, state.loaded?.about);
    }
  }

  function begin(asker: Worker, id: number, change: ModelChange, model: string): void {
    const round = ++lastRound;
    changes.set(round, { asker, id, change, model, waitsFor: new Set(serving()), answers: [] });
    for (const worker of members.keys()) post(worker, { cupel: "do-change", round, change, model });
    answerIfDone(round);
  }

  function done(worker: Worker, round: number, error: PostedError | null): void {
    const under = changes.get(round);
    if (!under?.waitsFor.delete(worker)) return;
    under.answers.push({ pid: worker.process.pid ?? 0, error });
    answerIfDone(round);
  }

  function answerIfDone(round: number): void {
    const under = changes.get(round);
    if (under === undefined || under.waitsFor.size > 0) return;
    changes.delete(round);
    post(under.asker, { cupel: "change-answered", id: under.id, error: outcomeOf(under) });
  }

  function left(worker: Worker): void {
    members.delete(worker);
    for (const teller of tellers.values()) if (teller.worker === worker) teller.told(null);
    for (const [round, { waitsFor }] of [...changes]) if (waitsFor.delete(worker)) answerIfDone(round);
  }

  const onMessage = (worker: Worker, message: unknown): void => {
    if (!isToSupervisor(message)) return;
    switch (message.cupel) {
      case "enter":
        void enter(worker);
        break;
      case "standing-told":
        tellers.get(message.round)?.told(message.standing);
        break;
      case "loaded":
        loaded(worker, message.about);
        break;
      case "ask-change":
        begin(worker, message.id, message.change, message.model);
        break;
      case "change-done":
        done(worker, message.round, message.error);
        break;
    }
  };
  cluster.on("message", onMessage);
  cluster.on("exit", left);
  return {
    get hasServed() {
      return hasServed;
    },
    [Symbol.dispose]() {
      cluster.off("message", onMessage);
      cluster.off("exit", left);
    },
  };
}

export function post(worker: Worker, message: FromSupervisor): void {
  // One that has just ended is told nothing; whatever waits for it hears of its end.
  if (worker.isConnected()) worker.send(message, () => {});
}

/** Null where all have done it; what all failed with; else which have failed. */
function outcomeOf({ change, model, answers }: Change): PostedError | null {
  const failed = answers.flatMap(({ pid, error }) =>
    error === null ? [] : [{ pid, error: reviveError(error) }],
  );
  const [first] = failed;
  if (first === undefined) return null;
  return postError(
    failed.length === answers.length ? first.error : differing(change, model, answers.length, failed),
  );
}

function differing(
  change: ModelChange,
  model: string,
  count: number,
  failed: readonly { readonly pid: number; readonly error: CupelError }[],
): CupelError {
  const reasons = failed.map(({ pid, error }) => {
    const { code, message } = publicError(error);
    return `process ${pid}: ${code}, ${message}`;
  });
  return serveErrors.error(
    "PROCESSES_DIFFER",
    `The ${change} of the model "${model}" succeeded in ${count - failed.length} of ${count} processes. It failed in ${reasons.join("; ")} Ask for it again.`,
    { details: { model, processes: count, failed: failed.map(({ pid }) => pid).join(",") } },
  );
}
