/** A service that answers what it is told to, to test what stands around one. */
import { anonymous, type Call } from "../../src/core/call.ts";
import type { InferenceService } from "../../src/core/inference-service.ts";

/** @param act called with the name of each method on a model; what it throws, the method throws */
export function fakeService(act: (method: string, model: string) => void = () => {}): InferenceService {
  return {
    noRoom: () => null,
    async infer({ model, id }) {
      act("infer", model);
      return { model, version: "7", id, outputs: [] };
    },
    async predict({ model }) {
      act("predict", model);
      return { model, version: "7", task: "classification", answers: [] };
    },
    metadata: () => ({ name: "cupel", version: "0", extensions: [] }),
    modelMetadata(model) {
      act("metadata", model);
      return { name: model, versions: [], platform: "", inputs: [], outputs: [], properties: {} };
    },
    async modelReport(model) {
      act("report", model);
      return { name: "", bytes: Buffer.from("{}") };
    },
    isReady: () => true,
    isModelReady(model) {
      act("ready", model);
      return true;
    },
    repositoryIndex: () => [],
    async loadModel(model) {
      act("load", model);
    },
    statistics: () => [],
    async unloadModel(model) {
      act("unload", model);
    },
  };
}

export function fakeCall(rest: Partial<Call> = {}): Call {
  return {
    face: "rest",
    principal: anonymous,
    signal: new AbortController().signal,
    address: "192.0.2.1",
    times: {},
    ...rest,
  };
}
