/** The face for who runs the server: who may see what, profiles, heap snapshots, and clients that leave. */
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { createServer, type IncomingMessage, request } from "node:http";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { createApiKeys } from "../../src/access/api-key.ts";
import { createAuthentication } from "../../src/access/authenticate.ts";
import { type AdmissionOptions, createAdmission } from "../../src/access/create-admission.ts";
import { createPolicy } from "../../src/access/policy.ts";
import { type AdminFaceOptions, createAdminFace } from "../../src/operations/admin-face.ts";
import { bounded } from "../../src/operations/heap-snapshot.ts";

const keys = createApiKeys(
  ["admin", "scraper"].map((name) => ({ name, sha256: hash("sha256", `secret of ${name}`), roles: [name] })),
);
const access: AdmissionOptions = {
  authentication: createAuthentication({ keys }),
  policy: createPolicy([
    { role: "admin", actions: ["debug", "metrics"] },
    { role: "scraper", actions: ["metrics"] },
  ]),
};

async function openServer(options: Partial<AdminFaceOptions> = {}, admissionOptions = access) {
  const told: string[] = [];
  const admission = createAdmission({
    ...admissionOptions,
    observer: {
      answered: ({ action }, _call, _ms, failure) => void told.push(`${action} ${failure?.code ?? "OK"}`),
      refused: ({ action }, { code }) => void told.push(`${action} ${code}`),
    },
  });
  const face = createAdminFace({ admission, metricsText: () => "up 1\n", ...options });
  const server = createServer((incoming, response) => {
    if (face.takes(incoming)) face.handle(incoming, response);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  const { port } = address;
  const get = (path: string, key?: string, method = "GET") => {
    const headers = key === undefined ? {} : { "x-api-key": `secret of ${key}` };
    const sent = request({ host: "127.0.0.1", port, path, method, headers, agent: false });
    sent.end();
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      sent.once("response", resolve);
      sent.once("error", reject);
    });
    return { sent, answered };
  };
  return {
    get,
    told,
    admission,
    face,
    async [Symbol.asyncDispose]() {
      await face[Symbol.asyncDispose]();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test("metrics are for who may see them, in Prometheus's type", async () => {
  await using server = await openServer();
  const answer = await server.get("/metrics", "scraper").answered;
  assert.equal(answer.statusCode, 200);
  assert.equal(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
  assert.equal(await text(answer), "up 1\n");
  const head = await server.get("/metrics", "scraper", "HEAD").answered;
  assert.deepEqual([head.statusCode, await text(head)], [200, ""]);
  assert.equal(head.headers["content-type"], answer.headers["content-type"]);
  assert.equal((await server.get("/metrics", undefined, "HEAD").answered).statusCode, 401);
  const unknown = await server.get("/metrics").answered;
  assert.equal(unknown.statusCode, 401);
  assert.equal(unknown.headers["www-authenticate"], 'Bearer realm="cupel"');
  assert.equal((await server.get("/debug/heap", "scraper").answered).statusCode, 403);
  assert.equal((await server.get("/metrics", "admin", "POST").answered).statusCode, 405);
  assert.equal((await server.get("/constructor", "admin").answered).statusCode, 404);
});

test("without a configured access metrics are open and what shows memory is not", async () => {
  await using server = await openServer({}, {});
  assert.equal((await server.get("/metrics").answered).statusCode, 200);
  assert.equal((await server.get("/debug/heap").answered).statusCode, 401);
  assert.equal((await server.get("/debug/profile").answered).statusCode, 401);
});

test("a profile names the functions that ran; one is made at a time", async () => {
  await using server = await openServer();
  const profiling = server.get("/debug/profile?seconds=0.3", "admin").answered;
  let timer: NodeJS.Timeout | undefined;
  function countsPrimes(): void {
    let found = 0;
    for (let n = 2; n < 8_000; n++) {
      let isPrime = true;
      for (let d = 2; d * d <= n; d++) if (n % d === 0) isPrime = false;
      if (isPrime) found++;
    }
    assert.equal(found, 1007);
    timer = setTimeout(countsPrimes, 1);
  }
  timer = setTimeout(countsPrimes, 1);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const second = await server.get("/debug/heap", "admin").answered;
  assert.equal(second.statusCode, 409);
  assert.equal(JSON.parse(await text(second)).code, "DEBUG_BUSY");
  const answer = await profiling;
  clearTimeout(timer);
  assert.match(answer.headers["content-disposition"] ?? "", /\.cpuprofile"$/);
  const profile: { nodes: { callFrame: { functionName: string } }[] } = JSON.parse(await text(answer));
  assert.ok(profile.nodes.some(({ callFrame }) => callFrame.functionName === "countsPrimes"));
});

test("seconds outside of what is allowed are refused with the setting that allows them", async () => {
  await using server = await openServer({ profileSeconds: 2 });
  for (const seconds of ["0", "2.1", "-1", "1e9", "NaN", "", "1;2"]) {
    const answer = await server.get(`/debug/profile?seconds=${seconds}`, "admin").answered;
    assert.equal(answer.statusCode, 400, seconds);
    assert.equal(JSON.parse(await text(answer)).setting, "admin.profileSeconds");
  }
});

test("a client that leaves ends its profile, and the next one is made", async () => {
  await using server = await openServer();
  const { sent, answered } = server.get("/debug/profile?seconds=60", "admin");
  answered.catch(() => {});
  while (server.admission.inFlight === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  sent.destroy();
  while (server.admission.inFlight > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(server.told, ["debug CANCELLED"]);
  assert.equal((await server.get("/debug/profile?seconds=0.01", "admin").answered).statusCode, 200);
});

test("a face that closes does not wait for a profile", async () => {
  await using server = await openServer();
  const { answered } = server.get("/debug/profile?seconds=60", "admin");
  while (server.admission.inFlight === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await server.face[Symbol.asyncDispose]();
  assert.equal((await answered).statusCode, 499);
});

test("a heap snapshot is streamed; a heap that is too large is refused", async () => {
  await using server = await openServer();
  const answer = await server.get("/debug/heap", "admin").answered;
  assert.match(answer.headers["content-disposition"] ?? "", /\.heapsnapshot"$/);
  assert.match(await text(answer), /^\{"snapshot":\{"meta":/);
  await using small = await openServer({ heapBytes: 1_000_000 });
  const refused = await small.get("/debug/heap", "admin").answered;
  assert.equal(refused.statusCode, 507);
  assert.equal(JSON.parse(await text(refused)).setting, "admin.heapBytes");
});

test("a snapshot that grows beyond its limit is broken off, and its source closed", async () => {
  const source = Readable.from([Buffer.alloc(60), Buffer.alloc(60), Buffer.alloc(60)]);
  const read = async () => {
    for await (const _chunk of bounded(source, 100));
  };
  await assert.rejects(read(), { code: "DEBUG_TOO_LARGE" });
  assert.equal(source.destroyed, true);
});
