/** A REST face behind plain servers of Node, with a service that answers without an engine. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { createServer as createHttp2, type Http2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import type { InferenceRequest, InferenceService, NumberTensor } from "@cupel/serve";
import type { Admission } from "../../src/core/admission.ts";
import type { Pages } from "../../src/core/pages.ts";
import { serveErrors } from "../../src/errors.ts";
import type { CorsPolicy } from "../../src/operations/cors.ts";
import { withCors } from "../../src/operations/cors-faces.ts";
import { silentInstruments } from "../../src/operations/instruments.ts";
import { createRestFace } from "../../src/rest/face.ts";
import { openAdmission } from "../support/open-admission.ts";

/** Answers each input as an output of the same name. */
export function echo(over: Partial<InferenceService> = {}): InferenceService {
  const known = (model: string): void => {
    if (model !== "echo") throw serveErrors.error("MODEL_UNKNOWN", `There is no model "${model}".`);
  };
  return {
    noRoom: () => null,
    async infer(request) {
      known(request.model);
      const outputs = request.inputs.filter(isNumbers);
      return { model: "echo", version: request.version ?? "1", id: request.id, outputs };
    },
    predict: () => Promise.reject(new Error("not here")),
    metadata: () => ({ name: "cupel", version: "0.1.0", extensions: ["binary_tensor_data"] }),
    modelMetadata: (model) => {
      known(model);
      const x = { name: "x", datatype: "FP32", shape: [-1, 3] } as const;
      return {
        name: model,
        versions: ["1"],
        platform: "onnxruntime_onnx",
        inputs: [x],
        outputs: [x],
        properties: {},
      };
    },
    modelReport: () => Promise.reject(new Error("not here")),
    isReady: () => true,
    isModelReady: (model) => {
      known(model);
      return true;
    },
    repositoryIndex: () => [{ name: "echo", version: "1", state: "READY", reason: "" }],
    loadModel: async (model) => known(model),
    unloadModel: async (model) => known(model),
    statistics: () => [],
    ...over,
  };
}

function isNumbers(tensor: InferenceRequest["inputs"][number]): tensor is NumberTensor {
  return tensor.datatype !== "BYTES";
}

export interface Served extends AsyncDisposable {
  readonly port: number;
  /** Of HTTP/2 without TLS. */
  readonly port2: number;
  readonly url: string;
}

export interface ServeOptions {
  readonly service?: InferenceService;
  readonly admission?: Admission;
  readonly bodyLimit?: number;
  /** Default: pages of other origins are told nothing. */
  readonly cors?: CorsPolicy;
  readonly pages?: Pages;
}

export async function serve({
  service,
  admission,
  bodyLimit,
  cors,
  pages,
}: ServeOptions = {}): Promise<Served> {
  const bare = createRestFace({
    service: service ?? echo(),
    admission: admission ?? openAdmission,
    instruments: silentInstruments,
    bodyLimit: bodyLimit ?? 2 ** 20,
    pages,
  });
  const face = withCors([bare], cors ?? { origins: [], maxAgeSeconds: 0 }).at(-1) ?? bare;
  const http1 = createServer((request, response) => face.handle(request, response));
  const http2 = createHttp2((request, response) => face.handle(request, response));
  const port = await listen(http1);
  const port2 = await listen(http2);
  return {
    port,
    port2,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      http1.closeAllConnections();
      http1.close();
      http2.close();
      await face[Symbol.asyncDispose]();
    },
  };
}

async function listen(server: Server | Http2Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address() satisfies string | AddressInfo | null;
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** POSTs JSON, without a content type, as tritonclient does. */
export async function infer(url: string, body: string | Uint8Array, headers: Record<string, string> = {}) {
  const response = await fetch(`${url}/v2/models/echo/infer`, {
    method: "POST",
    body: typeof body === "string" ? Buffer.from(body) : body,
    headers,
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}
