/** Who may do what with which model, and that nobody learns of a model they may not see. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { withAuthorisation } from "../../src/access/authorised-service.ts";
import { createPolicy } from "../../src/access/policy.ts";
import { anonymous, type Call, type Principal } from "../../src/core/call.ts";
import type { InferenceService } from "../../src/core/inference-service.ts";
import { serveErrors } from "../../src/errors.ts";

const policy = createPolicy([
  { role: "caller", models: ["public-*"], actions: ["infer", "predict", "metadata", "ready", "index"] },
  { role: "operator", actions: ["*"] },
  { role: "visitor", models: ["public-demo"], actions: ["m*"] },
]);
const call = (principal: Principal): Call => ({
  face: "rest",
  principal,
  signal: new AbortController().signal,
  address: "",
  times: {},
});
const caller = call({ id: "key:a", roles: ["caller"] });
const operator = call({ id: "key:b", roles: ["operator"] });
const nobody = call(anonymous);

const known = ["public-demo", "secret"];
const find = (model: string) => {
  if (!known.includes(model)) throw serveErrors.error("MODEL_UNKNOWN", `no "${model}"`);
};
const inner: InferenceService = {
  noRoom: () => null,
  async infer({ model }) {
    find(model);
    return { model, version: "1", outputs: [] };
  },
  async predict({ model }) {
    find(model);
    return { model, version: "1", task: "classification", answers: [] };
  },
  metadata: () => ({ name: "cupel", version: "0", extensions: [] }),
  modelMetadata(model) {
    find(model);
    return { name: model, versions: [], platform: "", inputs: [], outputs: [], properties: {} };
  },
  async modelReport(model) {
    find(model);
    return { name: "", bytes: Buffer.from("{}") };
  },
  isReady: () => true,
  isModelReady(model) {
    find(model);
    return true;
  },
  repositoryIndex: () => known.map((name) => ({ name, version: "1", state: "READY", reason: "" })),
  async loadModel(model) {
    find(model);
  },
  async unloadModel(model) {
    find(model);
  },
  statistics(model) {
    if (model !== undefined) find(model);
    const none = { count: 0, ms: 0 };
    const counts = { success: none, fail: none, queue: none, input: none, run: none };
    return known.map((name) => ({
      model: name,
      version: "1",
      lastInference: 0,
      rows: 0,
      runs: 0,
      ...counts,
    }));
  },
};
const service = withAuthorisation(inner, policy);

/** Every method on a model. */
const methods: Readonly<Record<string, (model: string, call: Call) => unknown>> = {
  infer: (model, its) => service.infer({ model, inputs: [] }, its),
  predict: (model, its) => service.predict({ model, images: [] }, its),
  metadata: (model, its) => service.modelMetadata(model, undefined, its),
  report: (model, its) => service.modelReport(model, undefined, its),
  ready: (model, its) => service.isModelReady(model, undefined, its),
  load: (model, its) => service.loadModel(model, its),
  unload: (model, its) => service.unloadModel(model, its),
  stats: (model, its) => service.statistics(model, undefined, its),
};
const outcome = async (name: string, model: string, its: Call): Promise<string> => {
  try {
    await methods[name]!(model, its);
    return "OK";
  } catch (thrown) {
    return thrown instanceof Error && "code" in thrown ? String(thrown.code) : String(thrown);
  }
};

test("a role may do its actions on its models and nothing else", async () => {
  for (const name of Object.keys(methods)) {
    assert.equal(await outcome(name, "secret", operator), "OK");
    const isGranted = ["infer", "predict", "metadata", "report", "ready"].includes(name);
    assert.equal(await outcome(name, "public-demo", caller), isGranted ? "OK" : "FORBIDDEN", name);
    assert.equal(await outcome(name, "public-demo", nobody), "AUTH_REQUIRED", name);
    // How a model was made is told to who may see what it takes.
    const isOfMetadata = ["metadata", "report"].includes(name);
    const visitor = call({ id: "token:v", roles: ["visitor"] });
    assert.equal(await outcome(name, "public-demo", visitor), isOfMetadata ? "OK" : "FORBIDDEN", name);
  }
});

test("a model that is there and one that is not are refused alike to who may not see either", async () => {
  for (const name of Object.keys(methods)) {
    assert.equal(await outcome(name, "secret", caller), "FORBIDDEN", name);
    assert.equal(await outcome(name, "absent", caller), "FORBIDDEN", name);
    assert.equal(await outcome(name, "absent", operator), "MODEL_UNKNOWN", name);
  }
});

test("the index lists what the caller may see", () => {
  const names = (its: Call) => service.repositoryIndex(its).map(({ name }) => name);
  assert.deepEqual(names(operator), known);
  assert.deepEqual(names(caller), ["public-demo"]);
  assert.deepEqual(names(nobody), []);
});
