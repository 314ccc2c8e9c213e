/** Keys of a service, with a fake of the transit engine that stalls, fails and refuses as it is told. */
import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { inspect } from "node:util";
import { CupelError, openTemporaryFolder } from "@cupel/base";
import { createLocalKeys } from "../../src/keys/local-keys.ts";
import { openTransitKeys, type TransitOptions } from "../../src/keys/transit-keys.ts";
import { keyRow, openTestKeys } from "../support/keys.ts";

const token = "hvs.the-token-of-this-test";

type Trouble = (response: ServerResponse) => boolean;

async function openFake(versions = 1) {
  const rows = Array.from({ length: 9 }, (_, i) => keyRow(String(i + 1))).join("\n");
  const keys = createLocalKeys("the fake", rows);
  const state = { versions, requests: 0, trouble: (() => false) as Trouble, seen: [] as string[] };
  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    state.requests++;
    let body = "";
    for await (const chunk of request) body += chunk;
    state.seen.push(`${request.method} ${request.url}`);
    if (state.trouble(response)) return;
    if (request.headers["x-vault-token"] !== token)
      return void response.writeHead(403).end('{"errors":["no"]}');
    const sent = body === "" ? {} : JSON.parse(body);
    const answer = (data: object) =>
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ data }));
    if (request.url === "/v1/transit/keys/cupel") return void answer({ latest_version: state.versions });
    if (request.url === "/v1/transit/encrypt/cupel") {
      const wrapped = await keys.wrap(String(sent.key_version), Buffer.from(sent.plaintext, "base64"));
      return void answer({
        ciphertext: `vault:v${sent.key_version}:${Buffer.from(wrapped).toString("base64")}`,
      });
    }
    if (request.url === "/v1/transit/decrypt/cupel") {
      const [, version = "", data = ""] = String(sent.ciphertext).split(":");
      const plain = await keys.unwrap(version.slice(1), Buffer.from(data, "base64"));
      return void answer({ plaintext: plain.toString("base64") });
    }
    response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    state,
    options: {
      url: `http://127.0.0.1:${port}`,
      keyName: "cupel",
      token,
      pauseMs: 1,
      timeoutMs: 2_000,
    } satisfies TransitOptions,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test("the service wraps and unwraps; rotated there, new is wrapped under the new version and old is read", async () => {
  await using fake = await openFake();
  await using folder = await openTemporaryFolder("transit");
  await using provider = openTransitKeys(fake.options);
  let id: string;
  {
    await using keys = await openTestKeys(folder.path, { provider });
    id = keys.keyOf("alice").id;
  }
  fake.state.versions = 2;
  await using keys = await openTestKeys(folder.path, { provider });
  assert.notEqual(keys.keyOf("alice").id, id);
  assert.equal(typeof keys.find(id), "object");
  assert.equal(await provider.currentKeyId(), "cupel:v2");
});

test("what fails for a while is tried again, what is refused is not", async () => {
  await using fake = await openFake();
  await using provider = openTransitKeys(fake.options);
  let left = 2;
  fake.state.trouble = (response) => {
    if (left-- <= 0) return false;
    if (left === 1) response.destroy();
    else response.writeHead(503).end();
    return true;
  };
  assert.equal(await provider.currentKeyId(), "cupel:v1");
  assert.equal(fake.state.requests, 3);

  fake.state.trouble = (response) => !response.writeHead(429).end("no").closed;
  await assert.rejects(provider.currentKeyId(), { code: "KEY_PROVIDER_UNAVAILABLE", message: /429/ });
  assert.equal(fake.state.requests, 6);

  fake.state.trouble = () => false;
  await using stranger = openTransitKeys({ ...fake.options, token: "another" });
  await assert.rejects(stranger.currentKeyId(), { code: "MASKING_KEY_INVALID", message: /403/ });
  await using missing = openTransitKeys({ ...fake.options, keyName: "absent" });
  await assert.rejects(missing.currentKeyId(), { code: "MASKING_KEY_INVALID", message: /404/ });
  await assert.rejects(provider.unwrap("other:v1", Buffer.from("vault:v1:x")), {
    code: "MASKING_KEY_INVALID",
  });
  assert.equal(fake.state.requests, 8);
});

test("a service that says nothing is given up, one that answers something else or elsewhere is told", async () => {
  await using fake = await openFake();
  await using hasty = openTransitKeys({ ...fake.options, timeoutMs: 30, attempts: 2 });
  fake.state.trouble = () => true;
  await assert.rejects(hasty.currentKeyId(), { code: "KEY_PROVIDER_UNAVAILABLE", message: /timeout/i });
  assert.equal(fake.state.requests, 2);
  await using provider = openTransitKeys({ ...fake.options, attempts: 1 });
  for (const answer of ["<html>", "null", '{"data":{"latest_version":"2"}}', '{"data":null}']) {
    fake.state.trouble = (response) => !response.writeHead(200).end(answer).closed;
    await assert.rejects(provider.currentKeyId(), { code: "KEY_PROVIDER_UNAVAILABLE" });
  }
  fake.state.trouble = (response) => !response.writeHead(307, { location: "http://192.0.2.1/" }).end().closed;
  await assert.rejects(provider.currentKeyId(), { code: "KEY_PROVIDER_UNAVAILABLE" });
});

test("no failure tells the token or what was sent", async () => {
  await using fake = await openFake();
  await using provider = openTransitKeys({ ...fake.options, attempts: 1 });
  const secret = "what must not be told";
  for (const status of [400, 403, 500]) {
    fake.state.trouble = (response) =>
      !response.writeHead(status).end(`${token} ${Buffer.from(secret).toString("base64")}`).closed;
    await assert.rejects(provider.wrap("cupel:v1", Buffer.from(secret)), (thrown) => {
      assert.ok(thrown instanceof CupelError);
      const shown = inspect(thrown, { depth: 9 });
      assert.ok(!shown.includes(token) && !shown.includes(Buffer.from(secret).toString("base64")));
      return true;
    });
  }
});

test("cleartext is for this machine alone", () => {
  for (const url of [
    "http://vault.example.com",
    "ftp://127.0.0.1",
    "nonsense",
    "https://user:pass@vault.example.com",
  ]) {
    assert.throws(() => openTransitKeys({ url, keyName: "k", token }), { code: "MASKING_KEY_INVALID" });
  }
  openTransitKeys({ url: "https://vault.example.com:8200/prefix", keyName: "k", token });
});
