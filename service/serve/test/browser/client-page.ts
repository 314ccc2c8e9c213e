/** What the page of the client's test does, with the client as a bundler takes it for browsers. */
import { ClientError, createClient, type FaceName } from "@cupel/client";

/** Of tensors, of an image, of a refusal and of a stream, what came. */
async function tryClient(endpoints: string, face: FaceName) {
  using client = createClient({ endpoints, face, headers: { "x-api-key": "key" }, retry: { retries: 0 } });
  const x = { name: "x", datatype: "FP32", shape: [1, 3], data: Float32Array.of(1, 2, 3) } as const;
  const { outputs } = await client.infer({ model: "scaler", inputs: [x] });
  const image = { kind: "rgb", bytes: new Uint8Array(192).fill(255), width: 8, height: 8 } as const;
  const { answers } = await client.predict({ model: "bright", images: [image], top: 1 });
  const codeOf = (thrown: unknown) => (thrown instanceof ClientError ? thrown.code : String(thrown));
  const refused = await client.infer({ model: "none", inputs: [x] }).then(() => "answered", codeOf);
  let streamed = 0;
  let last = "";
  let answered = Promise.withResolvers<void>();
  async function* requests() {
    for (const id of ["a", "b"]) {
      yield { model: "scaler", id, inputs: [x] };
      await answered.promise;
      answered = Promise.withResolvers();
    }
  }
  try {
    for await (const { kind } of client.inferStream(requests())) {
      if (kind === "response") streamed++;
      answered.resolve();
    }
  } catch (thrown) {
    last = codeOf(thrown);
  }
  return {
    y: Array.from(outputs[0]?.data ?? [], Number),
    name: answers[0]?.classes[0]?.name,
    refused,
    streamed: last || streamed,
  };
}

export type TryClient = typeof tryClient;

Object.assign(globalThis, { tryClient });
