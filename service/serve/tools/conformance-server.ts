/**
 * A server with models small enough to check by hand, for the clients and suites of tools/conformance. It writes one line
 * with its address and ends when its input ends.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openTemporaryFolder } from "@cupel/base";
import { createInferenceService } from "@cupel/serve";
import { openAdmission } from "../src/core/open-admission.ts";
import { createGrpcFace } from "../src/grpc/face.ts";
import { listen } from "../src/listener/listen.ts";
import { silentInstruments } from "../src/operations/instruments.ts";
import { openRepository } from "../src/repository/open-repository.ts";
import { createRestFace } from "../src/rest/face.ts";
import { brightness, identity, scaler } from "../test/support/tiny-models.ts";

const models = {
  scaler: scaler(3),
  brightness: brightness(),
  int64: identity("int64"),
  float16: identity("float16"),
  bool: identity("bool"),
};

await using folder = await openTemporaryFolder("conformance");
for (const [name, bytes] of Object.entries(models)) await writeFile(join(folder.path, `${name}.onnx`), bytes);
await using repository = await openRepository(folder.path, { trial: "none" });
const service = createInferenceService({
  repository,
  metadata: {
    name: "cupel",
    version: "0.1.0",
    extensions: ["binary_tensor_data", "model_repository", "statistics"],
  },
});
const options = {
  service,
  admission: openAdmission,
  instruments: silentInstruments,
  bodyLimit: 2 ** 24,
  onError: console.error,
};
await using grpc = createGrpcFace(options);
await using rest = createRestFace(options);
await using listener = await listen({ faces: [grpc, rest], port: 0, onError: console.error });
console.log(listener.url);
process.stdin.resume();
await new Promise((resolve) => process.stdin.once("end", resolve));
