/** A service without an engine: it echoes inputs as outputs, waits, or fails, as the model's name says. */
import { once } from "node:events";
import { errorFrom } from "@cupel/base";
import type { Call } from "../../src/core/call.ts";
import type { InferenceRequest } from "../../src/core/inference.ts";
import type { InferenceService } from "../../src/core/inference-service.ts";
import { serveErrors } from "../../src/errors.ts";
import type { PredictRequest } from "../../src/images/predict-request.ts";

export class EchoService implements InferenceService {
  readonly requests: InferenceRequest[] = [];
  readonly predictions: PredictRequest[] = [];
  readonly calls: Call[] = [];
  ready = true;
  /** Requests for "wait" that are being answered, the most there were, and what lets them go, in the order of arrival. */
  waiting = 0;
  mostWaiting = 0;
  readonly release: (() => void)[] = [];

  noRoom(): null {
    return null;
  }

  async infer(request: InferenceRequest, call: Call) {
    this.requests.push(request);
    this.calls.push(call);
    const { model, id } = request;
    if (model === "wait") await this.#wait(call);
    if (model === "none") {
      throw serveErrors.error("MODEL_UNKNOWN", 'There is no model "none", 100 % sure; naïve 模型.');
    }
    if (model === "full") {
      throw serveErrors.error("QUEUE_LIMIT", "As many wait as may.", {
        details: { limit: 4, retryAfterMs: 1500 },
      });
    }
    if (model === "broken") throw new Error("at /home/somebody/secret.ts:1");
    const outputs = request.inputs.flatMap((tensor) => (tensor.datatype === "BYTES" ? [] : [tensor]));
    return { model, version: request.version ?? "1", id, outputs };
  }

  async #wait({ signal }: Call): Promise<void> {
    this.mostWaiting = Math.max(this.mostWaiting, ++this.waiting);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.release.push(resolve);
    const given = signal.aborted ? Promise.resolve() : once(signal, "abort");
    await Promise.race([promise, given]);
    this.waiting--;
    if (signal.aborted) throw errorFrom(signal.reason, signal);
  }

  async predict(request: PredictRequest) {
    this.predictions.push(request);
    const told = { index: 3, name: "short", score: 0.75 };
    return {
      model: request.model,
      version: "2",
      id: request.id,
      task: "detection",
      answers: [{ width: 20, height: 10, boxes: [{ ...told, left: 1, top: 2.5, right: 3, bottom: 4 }] }],
    };
  }

  metadata() {
    return { name: "cupel", version: "0.1.0", extensions: ["statistics"] };
  }

  modelMetadata(model: string) {
    if (model === "none") throw serveErrors.error("MODEL_UNKNOWN", 'There is no model "none".');
    const x = { name: "x", datatype: "FP32", shape: [-1, 3] } as const;
    return {
      name: model,
      versions: ["1"],
      platform: "onnxruntime_onnx",
      inputs: [x],
      outputs: [x],
      properties: { task: "none" },
    };
  }

  modelReport() {
    return Promise.reject(new Error("not here"));
  }

  isReady(): boolean {
    return this.ready;
  }

  isModelReady(model: string): boolean {
    return model === "echo";
  }

  repositoryIndex() {
    return [
      { name: "echo", version: "1", state: "READY", reason: "" },
      { name: "old", version: "3", state: "UNAVAILABLE", reason: "unloaded" },
    ] as const;
  }

  statistics(model: string | undefined) {
    if (model === "none") throw serveErrors.error("MODEL_UNKNOWN", 'There is no model "none".');
    const none = { count: 0, ms: 0 };
    return [
      {
        model: "echo",
        version: "1",
        lastInference: 1_700_000_000_000,
        rows: 6,
        runs: 2,
        success: { count: 3, ms: 1.5 },
        fail: { count: 1, ms: 2 },
        queue: none,
        input: none,
        run: none,
      },
    ];
  }

  async loadModel(): Promise<void> {}

  async unloadModel(model: string): Promise<void> {
    if (model === "none") throw serveErrors.error("MODEL_UNKNOWN", 'There is no model "none".');
  }
}
