/** Pages of other origins against the faces of a server: REST and gRPC over both versions of HTTP. */
import assert from "node:assert/strict";
import { connect } from "node:http2";
import { test } from "node:test";
import { createAdmission } from "../../src/access/create-admission.ts";
import { createGrpcFace } from "../../src/grpc/face.ts";
import { listen } from "../../src/listener/listen.ts";
import { withCors } from "../../src/operations/cors-faces.ts";
import { silentInstruments } from "../../src/operations/instruments.ts";
import { createRestFace } from "../../src/rest/face.ts";
import { fakeService } from "../support/fake-service.ts";

const origin = "https://app.example";

async function openServer(origins: readonly string[]) {
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
  await using server = await openServer([origin]);
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
  await using server = await openServer([origin]);
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
  await using server = await openServer([]);
  const answer = await fetch(`${server.url}/v2/health/live`, { headers: { origin } });
  assert.equal(answer.headers.get("access-control-allow-origin"), null);
  assert.equal(answer.headers.get("vary"), null);
});
