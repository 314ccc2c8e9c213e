/** What the record keeps of serving: who ran, loaded or unloaded which model, and how it ended. */
import {
  CupelError,
  type EventFacts,
  type EventSeverity,
  type EventSink,
  errorFrom,
  type WorkEvent,
} from "@cupel/base";
import { anonymous, type Call, type Principal } from "../core/call.ts";
import type { InferenceService } from "../core/inference-service.ts";

/** A client chooses its ids: what is kept of one. */
const longestId = 128;

export function eventOf(
  action: string,
  subject: EventFacts,
  object: EventFacts,
  context: EventFacts,
  error: CupelError | null,
): WorkEvent {
  return {
    action,
    severity: severityOf(error),
    subject,
    object,
    context: { ...context, code: error?.code ?? "OK" },
  };
}

/** Of a named caller it is not known whether it is a person or a program: "client". */
export function subjectOf({ id, roles }: Principal): EventFacts {
  return { id, kind: id === anonymous.id ? "anonymous" : "client", role: roles.join(",") };
}

/** @param address "" where unknown */
export function ipOf(address: string): EventFacts {
  return address === "" ? {} : { ip: address };
}

function severityOf(error: CupelError | null): EventSeverity {
  if (error === null) return "INFO";
  return error.spec.http >= 500 ? "ERROR" : "WARN";
}

/**
 * The service that tells the sink of every run, and of who asked for a load or an unload (what came of it the repository tells), failed ones included, and answers when the sink has it.
 * Where the sink rejects, the call fails with the sink's error, whatever became of it.
 */
export function withEvents(service: InferenceService, sink: EventSink): InferenceService {
  const told = async <T>(
    action: string,
    object: EventFacts,
    context: EventFacts,
    call: Call,
    work: () => Promise<T>,
    versionOf?: (result: T) => string,
  ): Promise<T> => {
    const { principal, face, address } = call;
    const subject = subjectOf(principal);
    const emit = async (version: EventFacts, error: CupelError | null): Promise<void> => {
      const about = { ...object, ...version };
      await sink.emit(eventOf(action, subject, about, { face, ...ipOf(address), ...context }, error));
    };
    let result: T;
    try {
      result = await work();
    } catch (thrown) {
      await emit({}, errorFrom(thrown, call.signal));
      throw thrown;
    }
    await emit(versionOf ? { version: versionOf(result) } : {}, null);
    return result;
  };
  const asked = (request: { readonly model: string; readonly version?: string | undefined }): EventFacts =>
    request.version === undefined
      ? { model: request.model }
      : { model: request.model, version: request.version };
  const how = (method: string, id: string | undefined): EventFacts =>
    id === undefined ? { method } : { method, id: id.slice(0, longestId) };
  const versionOf = ({ version }: { readonly version: string }): string => version;
  return {
    ...service,
    // What is let through is told once it is answered.
    noRoom(request, call) {
      const tell = (refusal: unknown): Promise<never> =>
        told("INFER.REQUEST", asked(request), how(request.action, undefined), call, () =>
          Promise.reject(refusal),
        );
      try {
        const refusal = service.noRoom(request, call);
        return refusal instanceof CupelError ? tell(refusal) : refusal;
      } catch (thrown) {
        return tell(thrown);
      }
    },
    infer: (request, call) =>
      told(
        "INFER.REQUEST",
        asked(request),
        how("infer", request.id),
        call,
        () => service.infer(request, call),
        versionOf,
      ),
    predict: (request, call) =>
      told(
        "INFER.REQUEST",
        asked(request),
        how("predict", request.id),
        call,
        () => service.predict(request, call),
        versionOf,
      ),
    loadModel: (model, call) =>
      told("MODEL.LOAD.REQUEST", { model }, {}, call, () => service.loadModel(model, call)),
    unloadModel: (model, call) =>
      told("MODEL.UNLOAD.REQUEST", { model }, {}, call, () => service.unloadModel(model, call)),
  };
}
