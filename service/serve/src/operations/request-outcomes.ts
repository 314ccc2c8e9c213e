/** What became of each call, noted where it is known (the service) for where it is told (the door, once all is over). */
import { type CupelError, errorFrom } from "@cupel/base";
import type { Call } from "../core/call.ts";
import type { InferenceService } from "../core/inference-service.ts";

export interface RequestOutcome {
  /** "" where the request is of no model. */
  readonly model: string;
  /** That answered; else that was asked for; "" where none was. */
  readonly version: string;
  /** As the client sent it. */
  readonly id: string | undefined;
  readonly error: CupelError | null;
}

export class RequestOutcomes {
  readonly #outcomes = new WeakMap<Call, RequestOutcome>();

  note(call: Call, outcome: RequestOutcome): void {
    this.#outcomes.set(call, outcome);
  }

  /** Of a stream of requests in one call: the last one's. */
  of(call: Call): RequestOutcome | null {
    return this.#outcomes.get(call) ?? null;
  }
}

interface Asked {
  readonly model: string;
  readonly version?: string | undefined;
  readonly id?: string | undefined;
}

/** The service that notes what became of each call. The outermost of the decorators: it sees what the face sees. */
export function withOutcomes(service: InferenceService, outcomes: RequestOutcomes): InferenceService {
  const note = ({ model, version = "", id }: Asked, call: Call, error: CupelError | null): void =>
    outcomes.note(call, { model, version, id, error });
  const noted = async <T>(
    asked: Asked,
    call: Call,
    work: () => Promise<T>,
    versionOf?: (result: T) => string,
  ) => {
    try {
      const result = await work();
      note({ ...asked, version: versionOf?.(result) ?? asked.version }, call, null);
      return result;
    } catch (thrown) {
      note(asked, call, errorFrom(thrown, call.signal));
      throw thrown;
    }
  };
  const notedNow = <T>(asked: Asked, call: Call, work: () => T): T => {
    try {
      const result = work();
      note(asked, call, null);
      return result;
    } catch (thrown) {
      note(asked, call, errorFrom(thrown));
      throw thrown;
    }
  };
  return {
    // What is not refused here is noted once it is answered.
    noRoom(asked, call) {
      const refused = (thrown: unknown): never => {
        note(asked, call, errorFrom(thrown));
        throw thrown;
      };
      try {
        const refusal = service.noRoom(asked, call);
        if (refusal instanceof Promise) return refusal.catch(refused);
        if (refusal !== null) note(asked, call, refusal);
        return refusal;
      } catch (thrown) {
        return refused(thrown);
      }
    },
    infer: (request, call) => noted(request, call, () => service.infer(request, call), versionOf),
    predict: (request, call) => noted(request, call, () => service.predict(request, call), versionOf),
    metadata: () => service.metadata(),
    modelMetadata: (model, version, call) =>
      notedNow({ model, version }, call, () => service.modelMetadata(model, version, call)),
    modelReport: (model, version, call) =>
      noted({ model, version }, call, () => service.modelReport(model, version, call)),
    isReady: () => service.isReady(),
    isModelReady: (model, version, call) =>
      notedNow({ model, version }, call, () => service.isModelReady(model, version, call)),
    repositoryIndex: (call) => notedNow({ model: "" }, call, () => service.repositoryIndex(call)),
    loadModel: (model, call) => noted({ model }, call, () => service.loadModel(model, call)),
    unloadModel: (model, call) => noted({ model }, call, () => service.unloadModel(model, call)),
    statistics: (model, version, call) =>
      notedNow({ model: model ?? "", version }, call, () => service.statistics(model, version, call)),
  };
}

const versionOf = ({ version }: { readonly version: string }): string => version;
