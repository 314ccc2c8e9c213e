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

export interface Gate {
  /** @param path of the model's file, as it is about to be read. @throws what verification throws: nothing is loaded then */
  allow(path: string, signal?: AbortSignal): Promise<Verdict>;
}

/** Lets everything in. */
export const openGate: Gate = { allow: async () => ({ allowed: true }) };
