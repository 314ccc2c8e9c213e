/** What tests of faults ask for, and how they are told of a failure. */
import assert from "node:assert/strict";
import { ClientError, type ClientOptions, createClient } from "@cupel/client";
import { systemTiming, type Timing } from "../../src/policies/timing.ts";

export const request = { model: "m", id: "a", inputs: [] };
export const answer = JSON.stringify({ model_name: "m", model_version: "1", id: "a", outputs: [] });
export const answered = { model: "m", version: "1", id: "a", outputs: [] };

/** Waits between tries are remembered and over at once; deadlines of a second and more never come. */
export function hasty(): Timing & { readonly waits: number[] } {
  const waits: number[] = [];
  return {
    ...systemTiming,
    waits,
    wait(ms, signal) {
      if (ms >= 20_000) return systemTiming.wait(ms, signal);
      waits.push(ms);
      return Promise.resolve();
    },
  };
}

export async function failed(asked: Promise<unknown>): Promise<ClientError> {
  try {
    await asked;
  } catch (thrown) {
    assert.ok(thrown instanceof ClientError, String(thrown));
    return thrown;
  }
  assert.fail("It was answered.");
}

export async function all(answers: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of answers);
}

export const once = (options: Omit<ClientOptions, "retry">) =>
  createClient({ ...options, retry: { retries: 0 } });
