/** What the record keeps of a server itself: that it began to answer, and that it ended. Of several processes each is one. */
import type { WorkEvent } from "@cupel/base";

export interface ServerFacts {
  readonly url: string;
  readonly version: string;
  readonly processId: number;
}

const subject = { id: "server", kind: "system" } as const;

/** @param models that can be asked */
export function startEvent(server: ServerFacts, models: number): WorkEvent {
  return { ...event(server, { models: String(models) }), action: "SERVE.START" };
}

export function stopEvent(server: ServerFacts): WorkEvent {
  return { ...event(server, {}), action: "SERVE.STOP" };
}

function event({ url, version, processId }: ServerFacts, context: Readonly<Record<string, string>>) {
  return {
    severity: "INFO",
    subject,
    object: { url, version },
    context: { process: String(processId), ...context },
  } as const;
}
