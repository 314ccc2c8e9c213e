/**
 * Asked before a model is loaded, reloads included: may it? The proof (trust/attest) is plugged in by the command, so
 * that a server neither imports it nor can forget to ask.
 */
export type Verdict =
  | { readonly allowed: true }
  | {
      readonly allowed: false;
      /** What is wrong and what to do, a sentence or more. */
      readonly reason: string;
      /** What a program may want to know, such as the files that differ. */
      readonly details?: Readonly<Record<string, unknown>>;
    };

/** What is about to be loaded. */
export interface GateRequest {
  /** Of the model's file, as it lies in the folder of models. */
  readonly path: string;
  /**
   * Every file whose bytes are loaded, the model's own first; none where they could not be taken, to be told whether they
   * should have been there. Whoever asks MUST load the bytes that were digested, from a
   * copy of its own, whatever becomes of the files meanwhile.
   */
  readonly files: readonly GateFile[];
}

export interface GateFile {
  /** Where it was taken from. */
  readonly path: string;
  /** Of the bytes that are loaded, in lower-case hex. */
  readonly sha256: string;
}

export interface Gate {
  /** @throws what verification throws: nothing is loaded then */
  allow(request: GateRequest, signal?: AbortSignal): Promise<Verdict>;
  /**
   * Asked once, before the first model is loaded: may what lies there be served? What is missing is told here, for of a
   * model that is not there nobody asks. Default: yes.
   * @param path of the folder of models, or of the one file. @throws as `allow`
   */
  allowFolder?(path: string, signal?: AbortSignal): Promise<Verdict>;
}

/** Lets everything in. */
export const openGate: Gate = { allow: async () => ({ allowed: true }) };
