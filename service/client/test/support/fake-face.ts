/** A platform without a network: each endpoint is a function, which answers or throws. */
import { type Client, type ClientOptions, createClientOn } from "../../src/client.ts";
import type { Face, FaceCall } from "../../src/faces/face.ts";
import type { Timing } from "../../src/policies/timing.ts";

export interface Asked {
  readonly url: string;
  readonly operation: string;
  readonly call: FaceCall;
}

export type Answerer = (asked: Asked) => Promise<unknown>;

/** @param answer what every endpoint does, probes (`live`) included */
export function fakeClient(answer: Answerer, options: Omit<ClientOptions, "face">, timing: Timing): Client {
  const openFace = ({ origin: url }: URL): Face => {
    // Every method takes the call last.
    const ask =
      (operation: string) =>
      (...given: unknown[]): Promise<never> =>
        answer({ url, operation, call: given.at(-1) as FaceCall }) as Promise<never>;
    return {
      live: ask("live"),
      ready: ask("ready"),
      modelReady: ask("modelReady"),
      serverMetadata: ask("serverMetadata"),
      modelMetadata: ask("modelMetadata"),
      infer: ask("infer"),
      predict: ask("predict"),
      index: ask("index"),
      load: ask("load"),
      unload: ask("unload"),
      statistics: ask("statistics"),
      [Symbol.dispose]() {},
    };
  };
  return createClientOn(
    { faces: { "rest-json": openFace }, readFile: null },
    { ...options, face: "rest-json" },
    timing,
  );
}

export const emptyRequest = { model: "m", inputs: [] };
