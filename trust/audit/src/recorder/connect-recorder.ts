/**
 * Recording from other threads: one writer a log, so that they hand their events to the thread that has the recorder, all
 * of a turn of the event loop in one message, and get the receipts as they come. The owner checks, masks and writes; the
 * trace, the tenant and the subject of the context are those of the thread that records.
 */
import type { MessagePort } from "node:worker_threads";
import { type CupelError, type PostedError, postError, reviveError, type WorkEvent } from "@cupel/base";
import { auditErrors } from "../errors.ts";
import { inAuditContext } from "./audit-context.ts";
import { queueBounds } from "./event-queue.ts";
import type { Receipt } from "./receipt.ts";
import type { Recorder, RecordOptions } from "./recorder.ts";

type ToOwner =
  /** As JSON: a copy of the objects costs more than the text of them. */
  { readonly kind: "record"; readonly calls: string } | { readonly kind: "cancel"; readonly id: number };

interface Call {
  readonly id: number;
  readonly event: WorkEvent;
  /** Milliseconds; that of the owner where there is none. */
  readonly deadline?: number;
}

type Answer =
  | { readonly id: number; readonly receipt: Receipt }
  | { readonly id: number; readonly error: PostedError };

/**
 * Records what comes through `port`, until the other side closes it. Call it on the thread of the recorder, with one end of a
 * `MessageChannel`; the other end goes to `connectRecorder`. What still comes after the recorder was closed is refused.
 */
export function serveRecorder(recorder: Recorder, port: MessagePort): void {
  const cancels = new Map<number, AbortController>();
  let answers: Answer[] = [];
  const answer = (given: Answer) => {
    cancels.delete(given.id);
    if (answers.length === 0) {
      setImmediate(() => {
        port.postMessage(answers);
        answers = [];
      });
    }
    answers.push(given);
  };
  const record = ({ id, event, deadline }: Call) => {
    const cancel = new AbortController();
    cancels.set(id, cancel);
    recorder.record(event, { signal: cancel.signal, deadline }).then(
      (receipt) => answer({ id, receipt }),
      (thrown: unknown) => answer({ id, error: postError(thrown) }),
    );
  };
  port.on("message", (message: ToOwner) => {
    if (message.kind === "cancel") {
      cancels.get(message.id)?.abort();
      return;
    }
    const calls: readonly Call[] = JSON.parse(message.calls);
    for (const call of calls) record(call);
  });
}

export interface ConnectedRecorder extends Disposable {
  /** As `Recorder.record`. RECORD_UNAVAILABLE also where the owner ended or this thread has too many events without a receipt. */
  record(event: WorkEvent, options?: RecordOptions): Promise<Receipt>;
}

interface Pending extends PromiseWithResolvers<Receipt> {
  readonly forget: () => void;
}

/** Disposing of it closes the port: what has no receipt then fails, though it may come to be recorded. */
export function connectRecorder(port: MessagePort): ConnectedRecorder {
  const pending = new Map<number, Pending>();
  let calls: Call[] = [];
  let nextId = 0;
  let finished: CupelError | null = null;

  const end = (id: number, settle: (call: Pending) => void) => {
    const call = pending.get(id);
    if (call === undefined) return;
    pending.delete(id);
    call.forget();
    settle(call);
    // It holds the thread exactly while somebody waits.
    if (pending.size === 0) port.unref();
  };
  port.on("message", (answers: readonly Answer[]) => {
    for (const given of answers) {
      end(given.id, ({ resolve, reject }) => {
        if ("receipt" in given) resolve(given.receipt);
        else reject(reviveError(given.error));
      });
    }
  });
  port.on("close", () => {
    finished ??= unavailable("The recorder that this thread was connected to has ended.", true);
    for (const id of pending.keys()) end(id, ({ reject }) => reject(finished));
  });
  port.unref();

  const send = (call: Call) => {
    if (calls.length === 0) {
      setImmediate(() => {
        port.postMessage({ kind: "record", calls: JSON.stringify(calls) } satisfies ToOwner);
        calls = [];
      });
    }
    calls.push(call);
  };

  return {
    record(event, { signal, deadline } = {}) {
      if (finished !== null) return Promise.reject(finished);
      if (pending.size >= queueBounds.mostEvents) {
        return Promise.reject(unavailable(`${pending.size} events of this thread wait already.`, false));
      }
      const id = nextId++;
      const cancel = () => port.postMessage({ kind: "cancel", id } satisfies ToOwner);
      const call = {
        ...Promise.withResolvers<Receipt>(),
        forget: () => signal?.removeEventListener("abort", cancel),
      };
      pending.set(id, call);
      if (pending.size === 1) port.ref();
      send({ id, event: inAuditContext(event), ...(deadline === undefined ? {} : { deadline }) });
      signal?.addEventListener("abort", cancel, { once: true });
      return call.promise;
    },
    [Symbol.dispose]() {
      finished ??= unavailable("The connection to the recorder is closed.", false);
      port.close();
    },
  };
}

function unavailable(message: string, mayBeRecorded: boolean): CupelError {
  return auditErrors.error("RECORD_UNAVAILABLE", message, { details: { mayBeRecorded }, withoutStack: true });
}
