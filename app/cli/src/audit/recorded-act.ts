/** An act that is one event of the record, told when it is done: what cannot be recorded is found out before it begins. */
import type { ActionCode } from "@cupel/audit";
import type { EventFacts, EventSeverity } from "@cupel/base";
import type { Given } from "../arguments/parse.ts";
import type { CommandContext } from "../commands/command.ts";
import { cupelVersion } from "../version.ts";
import { openRecord } from "./open-record.ts";
import { operator } from "./operator.ts";
import { recordPlace } from "./record-options.ts";

export interface Act {
  readonly action: ActionCode;
  readonly severity: EventSeverity;
  readonly object: EventFacts;
  readonly context: EventFacts;
}

/** Resolves when the event is durable. @throws RECORD_UNAVAILABLE */
export type TellAct = (act: Act) => Promise<void>;

/** Without --audit it is the work alone. @throws OPTION_INVALID, what `openRecord` and the work throw */
export async function recordedAct<Result>(
  given: Given,
  { say }: Pick<CommandContext, "say">,
  work: (tell: TellAct) => Promise<Result>,
): Promise<Result> {
  const place = recordPlace(given);
  if (place === null) return await work(async () => {});
  await using record = await openRecord(place, say);
  return await work(async ({ action, severity, object, context }) => {
    const about = { version: cupelVersion(), ...context };
    await record.sink.emit({ action, severity, subject: operator(), object, context: about });
  });
}
