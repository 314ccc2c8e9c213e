/** The windows of HTTP/2: how much of an answer comes without another word of the client. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ClientOptions, createClient, windowDefaults } from "@cupel/client";
import { failed, request } from "./support/faulty-calls.ts";
import { grpcServer } from "./support/faulty-server.ts";
import { holdingRelay } from "./support/holding-relay.ts";

const bytes = 1_500_000;
/** What RFC 9113, section 6.9.2, gives streams and connections that say nothing of theirs. */
const usual = 65_535;

const one = (url: string, options: Partial<ClientOptions>) =>
  createClient({ endpoints: url, pool: { connections: 1 }, timeoutMs: null, ...options });

for (const face of ["grpc", "grpc-web", "connect"] as const) {
  test(`${face}: an answer of ${bytes} bytes comes in the round trip of its request`, async () => {
    await using server = await grpcServer(() => {}, { answerBytes: bytes });
    await using relay = await holdingRelay(server.port);
    using client = one(relay.url, { face });
    const { outputs } = await client.infer(request);
    assert.equal(outputs[0]?.data.length, bytes);
    assert.equal(relay.updates.connection, 1);
    assert.ok(relay.updates.stream <= 2, `${relay.updates.stream}`);
    assert.equal(server.connections, 1);
  });
}

test("a connection carries the window it is given a round trip, and no byte more", async () => {
  for (const [windows, least] of [
    [{ connection: usual }, usual],
    [{ stream: usual }, usual],
    [{ stream: 1_000_000, connection: 300_000 }, 300_000],
  ] as const) {
    await using server = await grpcServer(() => {}, { answerBytes: bytes });
    await using relay = await holdingRelay(server.port);
    using client = one(relay.url, { face: "grpc", windows });
    const asked = client.infer(request);
    await relay.came(least);
    assert.equal(relay.dataBytes, least);
    relay.release();
    const { outputs } = await asked;
    assert.equal(outputs[0]?.data.length, bytes);
    // One at half a window at the latest, and not before a byte of it was read.
    const said = relay.updates.connection + relay.updates.stream;
    assert.ok(said >= bytes / least - 1, `${said} of ${bytes / least}`);
  }
});

test("windows that HTTP/2 does not have are refused before anything is sent", async () => {
  assert.ok(windowDefaults.connection >= windowDefaults.stream);
  for (const [name, value] of [
    ["stream", 65_534],
    ["stream", 2 ** 31],
    ["connection", 0],
    ["connection", 70_000.5],
    ["connection", Number.NaN],
  ] as const) {
    const error = await failed((async () => one("http://127.0.0.1:1", { windows: { [name]: value } }))());
    assert.equal(error.code, "OPTION_INVALID");
    assert.match(error.message, new RegExp(`windows\\.${name}`));
  }
});
