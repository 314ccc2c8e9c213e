/**
 * Who asked, in which trace and for which tenant, known to all that a request does: whoever handles it says so once, and
 * every event that is recorded meanwhile has it, unless the event says otherwise.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { type EventFacts, own, type WorkEvent } from "@cupel/base";

export interface AuditContext {
  /** Becomes `ctx.trace`: an id of W3C Trace Context, as a rule. */
  readonly trace?: string;
  /** Becomes `ctx.tenant`. */
  readonly tenant?: string;
  /** Become facts of `sub`, of events that name nobody. */
  readonly subject?: EventFacts;
}

const storage = new AsyncLocalStorage<AuditContext>();

/** Within another one, what is not given here stays. */
export function withAuditContext<Result>(context: AuditContext, work: () => Result): Result {
  return storage.run({ ...storage.getStore(), ...context }, work);
}

/** The event with what the context knows and the event does not say. */
export function inAuditContext(event: WorkEvent): WorkEvent {
  const context = storage.getStore();
  if (context === undefined) return event;
  const { trace, tenant, subject } = context;
  return {
    ...event,
    // One that is named is not mixed with another.
    subject:
      subject === undefined || own(event.subject, "id") ? event.subject : { ...subject, ...event.subject },
    context: {
      ...(trace === undefined ? {} : { trace }),
      ...(tenant === undefined ? {} : { tenant }),
      ...event.context,
    },
  };
}
