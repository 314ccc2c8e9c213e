/** The face on a port of its own, before a service without an engine, and another's client of it. */
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { errorFrom } from "@cupel/base";
import type { Admission } from "../../src/core/admission.ts";
import { serveErrors } from "../../src/errors.ts";
import { createGrpcFace, type GrpcFaceOptions } from "../../src/grpc/face.ts";
import { listen } from "../../src/listener/listen.ts";
import type { TlsOptions } from "../../src/listener/tls.ts";
import type { CorsPolicy } from "../../src/operations/cors.ts";
import { withCors } from "../../src/operations/cors-faces.ts";
import { silentInstruments } from "../../src/operations/instruments.ts";
import { EchoService } from "../support/echo-service.ts";
import { GrpcPeer, type Message, PeerError } from "../support/grpc-peer.ts";
import { openAdmission } from "../support/open-admission.ts";

export const inference = "inference.GRPCInferenceService";
export const infer = `${inference}/ModelInfer`;
export const streamInfer = `${inference}/ModelStreamInfer`;

/** Counts calls that were let in and are not disposed. */
export function countingAdmission() {
  const state = {
    open: 0,
    failures: [] as string[],
    actions: [] as string[],
    keys: [] as (string | undefined)[],
  };
  const admission: Admission = {
    async admit(arrival) {
      const key = arrival.header("x-api-key");
      state.keys.push(key);
      state.actions.push(arrival.action);
      if (key === "wrong")
        throw serveErrors.error("AUTH_REQUIRED", "The API key is not one this server knows.");
      const call = await openAdmission.admit(arrival);
      state.open++;
      return {
        ...call,
        failed: (error) => state.failures.push(errorFrom(error).code),
        [Symbol.dispose]() {
          state.open--;
          call[Symbol.dispose]();
        },
      };
    },
  };
  return { admission, state };
}

interface OpenFaceOptions extends Partial<GrpcFaceOptions> {
  /** Default: no page may call. */
  readonly cors?: CorsPolicy;
  /** Default: cleartext. */
  readonly tls?: TlsOptions;
}

export async function openFace({
  cors = { origins: [], maxAgeSeconds: 0 },
  tls,
  ...options
}: OpenFaceOptions = {}) {
  const echo = new EchoService();
  const { admission, state } = countingAdmission();
  const errors: unknown[] = [];
  const face = createGrpcFace({
    service: echo,
    admission,
    instruments: silentInstruments,
    bodyLimit: 1 << 20,
    onError: (error) => errors.push(error),
    ...options,
  });
  const listener = await listen({
    faces: withCors([face], cors),
    tls,
    port: 0,
    onError: (error) => errors.push(error),
  });
  const peer = new GrpcPeer(listener.port);
  return {
    echo,
    peer,
    listener,
    state,
    async [Symbol.asyncDispose]() {
      peer[Symbol.dispose]();
      await listener.close();
      await face[Symbol.asyncDispose]();
      assert.deepEqual(errors, []);
      assert.equal(state.open, 0, "every call is disposed");
    },
  };
}

export async function until(reached: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !reached(); i++) await delay(10);
  assert.ok(reached());
}

export async function refusal(asked: Promise<unknown>): Promise<PeerError> {
  const thrown: unknown = await asked.then(
    () => assert.fail("It was answered."),
    (error: unknown) => error,
  );
  assert.ok(thrown instanceof PeerError, String(thrown));
  return thrown;
}

export const within = (message: Message | undefined, field: string) => message?.[field] as Message;

export const bytesOf = (data: NodeJS.TypedArray) =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength);

export const one = (model: string, id = "") => ({
  model_name: model,
  id,
  inputs: [{ name: "x", datatype: "UINT8", shape: [1], contents: { uint_contents: [1] } }],
});
