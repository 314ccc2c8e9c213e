/** A whole server as who runs it sees it: figures, lines, events, pages of other origins, and its end. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { connect } from "node:http2";
import { join } from "node:path";
import { test } from "node:test";
import { openTemporaryFolder } from "@cupel/base";
import { createClient } from "@cupel/client";
import { parseConfig, startServer } from "@cupel/serve";
import { createAdmission } from "../../src/access/create-admission.ts";
import { createGrpcFace } from "../../src/grpc/face.ts";
import { listen } from "../../src/listener/listen.ts";
import { withCors } from "../../src/operations/cors-faces.ts";
import { silentInstruments } from "../../src/operations/instruments.ts";
import { createRestFace } from "../../src/rest/face.ts";
import { fakeService } from "../support/fake-service.ts";
import { scaler } from "../support/tiny-models.ts";

test("a request to a server is counted, logged and recorded; metrics are served, debug is not open", async () => {
  await using folder = await openTemporaryFolder("operations");
  await writeFile(join(folder.path, "scaler.onnx"), scaler(3));
  const { config } = parseConfig({
    flags: {
      "listen.port": 0,
      "repository.path": folder.path,
      "repository.mode": "explicit",
      "engine.trial": false,
      "engine.threads": 1,
      "cors.origins": ["https://app.example"],
      "faces.websocket": false,
      "faces.connect": false,
    },
  });
  const lines: Record<string, unknown>[] = [];
  const actions: string[] = [];
  await using server = await startServer(config, {
    log: { write: (line) => void lines.push(JSON.parse(line)) },
    sink: {
      emit: async ({ action }) => void actions.push(action),
      figures: () => ({ events: { logged: 7 }, faults: { full: 1 }, waiting: 2, isInTrouble: true }),
    },
  });
  const infer = async (data: readonly number[]) => {
    const input = { name: "x", datatype: "FP32", shape: [1, 3], data };
    const response = await fetch(`${server.url}/v2/models/scaler/infer`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: "https://app.example" },
      body: JSON.stringify({ inputs: [input] }),
    });
    await response.arrayBuffer();
    return response;
  };
  const answer = await infer([1, 2, 3]);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("access-control-allow-origin"), "https://app.example");
  assert.equal((await infer([1])).status, 400);
  const scrape = await fetch(`${server.url}/metrics`);
  const text = await scrape.text();
  for (const line of [
    'cupel_requests_total{face="rest",action="infer",model="scaler",version="1",code="OK"} 1',
    // Found by the face as it read the body, before the service was asked.
    'cupel_requests_total{face="rest",action="infer",model="",version="",code="INPUT_SHAPE_MISMATCH"} 1',
    'cupel_stage_seconds_count{model="scaler",version="1",stage="run"} 1',
    'cupel_breaker_state{model="scaler",version="1"} 0',
    // Of the load, the start and the request.
    'cupel_record_seconds_count{outcome="kept"} 3',
    'cupel_record_events_total{outcome="logged"} 7',
    'cupel_record_faults_total{cause="full"} 1',
    "cupel_record_waiting_events 2",
    "cupel_record_in_trouble 1",
  ]) {
    assert.ok(
      text.includes(`${line}
`),
      line,
    );
  }
  assert.equal((await fetch(`${server.url}/debug/heap`)).status, 401);
  const requests = lines.filter(({ msg }) => msg === "request");
  assert.deepEqual(
    requests.map(({ action, code }) => `${action} ${code}`),
    ["infer OK", "infer INPUT_SHAPE_MISMATCH", "debug AUTH_REQUIRED"],
  );
  assert.deepEqual(
    actions.filter((action) => action !== "MODEL.LOAD"),
    ["SERVE.START", "INFER.REQUEST", "ACCESS.REFUSE"],
  );
  // Where else to look: by the faces that are on.
  const { faces, paths } = (await (await fetch(server.url)).json()) as {
    faces: string[];
    paths: Record<string, string>;
  };
  assert.deepEqual(faces, ["rest", "grpc", "grpc-web", "graphql", "admin"]);
  assert.ok("/graphql" in paths && "/metrics" in paths);
  for (const path of Object.keys(paths))
    assert.notEqual((await fetch(server.url + path, { method: "OPTIONS" })).status, 404, path);
  // A client says so of one that is not.
  for (const [face, code] of [
    ["connect", "FACE_UNSUPPORTED"],
    ["websocket", "SERVER_UNREACHABLE"],
  ] as const) {
    using client = createClient({ endpoints: server.url, face, retry: { retries: 0 } });
    await assert.rejects(client.infer({ model: "scaler", inputs: [] }), { code, mayHaveRun: false }, face);
  }
});

const origin = "https://app.example";

async function openFaces(origins: readonly string[]) {
  await using opening = new AsyncDisposableStack();
  const face = {
    service: fakeService(),
    admission: createAdmission(),
    instruments: silentInstruments,
    bodyLimit: 1000,
  };
  const rest = opening.use(createRestFace(face));
  const grpc = opening.use(createGrpcFace({ ...face, onError: () => {} }));
  const faces = withCors([grpc, rest], { origins, maxAgeSeconds: 60 });
  const { url } = opening.use(await listen({ faces, host: "127.0.0.1", port: 0, onError: () => {} }));
  const closing = opening.move();
  return { url, [Symbol.asyncDispose]: () => closing.disposeAsync() };
}

test("a page may ask before it calls, and read the answer, an error and what REST says of itself", async () => {
  await using server = await openFaces([origin]);
  const preflight = await fetch(`${server.url}/v2/models/m/infer`, {
    method: "OPTIONS",
    headers: { origin, "access-control-request-method": "POST" },
  });
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers.get("access-control-allow-origin"), origin);
  const answer = await fetch(`${server.url}/v2/health/live`, { headers: { origin } });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("access-control-allow-origin"), origin);
  const error = await fetch(`${server.url}/v2/models/m/infer`, {
    method: "POST",
    body: "{",
    headers: { origin, "content-type": "application/json" },
  });
  assert.equal(error.status, 400);
  assert.equal(error.headers.get("access-control-allow-origin"), origin);
  const stranger = await fetch(`${server.url}/v2/health/live`, {
    headers: { origin: "https://else.example" },
  });
  assert.equal(stranger.headers.get("access-control-allow-origin"), null);
  assert.equal(stranger.headers.get("vary"), "origin");
});

test("gRPC over HTTP/2 says the same beside its own headers", async () => {
  await using server = await openFaces([origin]);
  const session = connect(server.url);
  using _session = { [Symbol.dispose]: () => session.destroy() };
  const stream = session.request({
    ":method": "POST",
    ":path": "/inference.GRPCInferenceService/ServerLive",
    "content-type": "application/grpc",
    te: "trailers",
    origin,
  });
  stream.end(Buffer.alloc(5));
  const headers = await new Promise<Readonly<Record<string, unknown>>>((resolve) =>
    stream.once("response", resolve),
  );
  assert.match(String(headers["content-type"]), /^application\/grpc/);
  assert.equal(headers["access-control-allow-origin"], origin);
});

test("without origins nothing is added", async () => {
  await using server = await openFaces([]);
  const answer = await fetch(`${server.url}/v2/health/live`, { headers: { origin } });
  assert.equal(answer.headers.get("access-control-allow-origin"), null);
  assert.equal(answer.headers.get("vary"), null);
});
