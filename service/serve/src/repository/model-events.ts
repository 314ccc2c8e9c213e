/** What the repository tells the record: which bytes came into service, which did not, and which left it. */
import type { CupelError, EventSink, WorkEvent } from "@cupel/base";
import { errorFrom } from "@cupel/base";

export interface VersionName {
  readonly model: string;
  readonly version: string;
}

/** Why a version leaves. */
export type UnloadCause = "asked" | "removed" | "policy" | "crashed";

function objectOf({ model, version }: VersionName, digest: string) {
  return { model, version, digest };
}

const subject = { id: "repository", role: "server" } as const;

export function loadEvent(name: VersionName, digest: string, replaced: string | null): WorkEvent {
  const object = objectOf(name, digest);
  return replaced === null
    ? { action: "MODEL.LOAD", severity: "INFO", subject, object, context: {} }
    : { action: "MODEL.RELOAD", severity: "INFO", subject, object, context: { replaced } };
}

/** @param digest "" where the bytes could not be read */
export function loadFailEvent(name: VersionName, digest: string, error: CupelError): WorkEvent {
  const severity = error.code === "MODEL_REFUSED" ? "CRITICAL" : "ERROR";
  const context = { code: error.code, reason: error.message };
  return { action: "MODEL.LOAD.FAIL", severity, subject, object: objectOf(name, digest), context };
}

export function unloadEvent(name: VersionName, digest: string, cause: UnloadCause): WorkEvent {
  const severity = cause === "crashed" ? "ERROR" : "INFO";
  return { action: "MODEL.UNLOAD", severity, subject, object: objectOf(name, digest), context: { cause } };
}

/** The record was asked and refused: what it was to keep must not happen. */
export class NotRecorded extends Error {
  readonly error: CupelError;

  constructor(thrown: unknown) {
    super("the event was not recorded", { cause: thrown });
    this.error = errorFrom(thrown);
  }
}

/** @throws NotRecorded */
export async function record(sink: EventSink, event: WorkEvent): Promise<void> {
  try {
    await sink.emit(event);
  } catch (thrown) {
    throw new NotRecorded(thrown);
  }
}
