/**
 * One record for all processes: the process that supervises has it, and the others hand it their events, all of a turn of
 * the event loop in one message. What was kept is answered and no sooner, so that whoever waits for a receipt has one of
 * the record. A process that is killed leaves what it had handed over to be kept.
 */
import cluster, { type Worker } from "node:cluster";
import { type CupelError, type EventSink, postError, reviveError } from "@cupel/base";
import { serveErrors } from "../errors.ts";
import { post } from "./coordinate.ts";
import {
  isFromSupervisor,
  isToSupervisor,
  type KeptEvent,
  type ToldEvent,
  type ToSupervisor,
} from "./protocol.ts";

/** In the process that supervises. */
export function keepHandedEvents(sink: EventSink): Disposable {
  const answers = new Map<Worker, KeptEvent[]>();
  const answer = (worker: Worker, kept: KeptEvent): void => {
    const waiting = answers.get(worker);
    if (waiting !== undefined) {
      waiting.push(kept);
      return;
    }
    answers.set(worker, [kept]);
    setImmediate(() => {
      post(worker, { cupel: "events-kept", kept: answers.get(worker) ?? [] });
      answers.delete(worker);
    });
  };
  const keep = async (worker: Worker, { id, event }: ToldEvent): Promise<void> => {
    try {
      await sink.emit(event);
      answer(worker, { id, error: null });
    } catch (thrown) {
      answer(worker, { id, error: postError(thrown) });
    }
  };
  const onMessage = (worker: Worker, message: unknown): void => {
    if (!isToSupervisor(message) || message.cupel !== "tell-events") return;
    const told: readonly ToldEvent[] = JSON.parse(message.events);
    for (const each of told) void keep(worker, each);
  };
  cluster.on("message", onMessage);
  return { [Symbol.dispose]: () => void cluster.off("message", onMessage) };
}

/**
 * In each of the others. What waits when the process that supervises is gone fails with SERVER_STOPPING, though it may
 * have come to be kept.
 */
export function handEvents(): EventSink & Disposable {
  const waiting = new Map<number, PromiseWithResolvers<void>>();
  let told: ToldEvent[] = [];
  let lastId = 0;
  let gone: CupelError | null = null;
  const settle = (id: number, error: CupelError | null): void => {
    const its = waiting.get(id);
    waiting.delete(id);
    if (error === null) its?.resolve();
    else its?.reject(error);
  };
  const onMessage = (message: unknown): void => {
    if (!isFromSupervisor(message) || message.cupel !== "events-kept") return;
    for (const { id, error } of message.kept) settle(id, error && reviveError(error));
  };
  const onDisconnect = (): void => {
    gone = serveErrors.error("SERVER_STOPPING", "The process that has the record is gone; this one ends.");
    for (const id of waiting.keys()) settle(id, gone);
  };
  process.on("message", onMessage);
  process.on("disconnect", onDisconnect);
  if (!process.connected) onDisconnect();
  const send = (event: ToldEvent): void => {
    if (told.length === 0) {
      setImmediate(() => {
        const message: ToSupervisor = { cupel: "tell-events", events: JSON.stringify(told) };
        told = [];
        if (process.connected) process.send?.(message, undefined, undefined, () => {});
      });
    }
    told.push(event);
  };
  return {
    emit(event) {
      if (gone !== null) return Promise.reject(gone);
      const id = ++lastId;
      const its = Promise.withResolvers<void>();
      waiting.set(id, its);
      send({ id, event });
      return its.promise;
    },
    [Symbol.dispose]() {
      process.off("message", onMessage);
      process.off("disconnect", onDisconnect);
    },
  };
}
