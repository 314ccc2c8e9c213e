/** What an operator may set about connections: it reaches the listener, and who is refused by it is counted by cause. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { openTemporaryFolder } from "@cupel/base";
import { parseConfig, startServer } from "@cupel/serve";
import { AddressCount, placeOf } from "../../src/listener/address-count.ts";
import { defaultLimits } from "../../src/listener/limits.ts";
import { listen } from "../../src/listener/listen.ts";
import { CountingInstruments } from "../support/counting-instruments.ts";
import { get2, openHttp2, openSocket, received } from "../support/http-client.ts";
import { scaler } from "../support/tiny-models.ts";

/** Waits until it is so: how soon depends on the machine. */
async function until(reached: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !reached(); i++) await delay(10);
  assert.ok(reached());
}

test("connections are counted by address, and one that has none is forgotten", () => {
  const count = new AddressCount();
  assert.deepEqual(
    ["a", "a", "a", "b"].map((address) => count.enter(address, 2)),
    [true, true, false, true],
  );
  count.leave("a");
  assert.deepEqual([count.enter("a", 2), count.enter("a", 2)], [true, false]);
  for (const address of ["a", "a", "b"]) count.leave(address);
  assert.deepEqual([count.enter("b", 1), count.enter("b", 1)], [true, false]);
});

test("an IPv6 address counts with all of its /64 prefix, one that maps IPv4 as that", () => {
  const places = {
    // RFC 4291, section 2.2: forms of one address, and of its neighbours.
    "2001:db8:0:1::1": "2001:db8:0:1::/64",
    "2001:db8:0:1:ffff:ffff:ffff:ffff": "2001:db8:0:1::/64",
    "2001:DB8::1:0:0:0:1": "2001:db8:0:1::/64",
    "2001:db8:0:2::1": "2001:db8:0:2::/64",
    "fe80::1%eth0": "fe80:0:0:0::/64",
    "::1": "0:0:0:0::/64",
    "::ffff:192.0.2.1": "192.0.2.1",
    "::ffff:c000:201": "192.0.2.1",
    "192.0.2.1": "192.0.2.1",
    "": "",
  };
  for (const [address, place] of Object.entries(places)) assert.equal(placeOf(address), place);
  const count = new AddressCount();
  const taken = ["2001:db8::1", "2001:db8::2", "2001:db8::3"].map((address) => count.enter(address, 2));
  assert.deepEqual(taken, [true, true, false]);
  count.leave("2001:db8::2");
  assert.equal(count.enter("2001:db8::4", 2), true);
});

test("one connection of an address more than the limit is closed and counted; when one ends another is let in", async () => {
  const instruments = new CountingInstruments();
  await using listener = await listen({
    faces: [],
    port: 0,
    limits: { connectionsPerAddress: 2 },
    instruments,
    onError: (error) => assert.fail(String(error)),
  });
  const refused = () => instruments.value("connectionErrors", { cause: "too_many_of_address" });
  const session = await openHttp2(listener.url);
  const second = await openSocket(listener.port);
  for (let i = 1; i <= 3; i++) {
    assert.equal(await received(await openSocket(listener.port)), "");
    assert.equal(refused(), i);
  }
  assert.equal(instruments.value("openConnections"), 2);
  assert.equal((await get2(session, "/")).status, 404);
  second.destroy();
  await until(() => instruments.value("openConnections") === 1);
  const third = await openSocket(listener.port);
  third.write("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
  assert.match(await received(third), /^HTTP\/1\.1 404 /);
  assert.equal(refused(), 3);
  session.close();
});

test("what the configuration says of connections is what the server does, and without a word nothing changes", async () => {
  await using folder = await openTemporaryFolder("limits");
  await writeFile(join(folder.path, "scaler.onnx"), scaler(3));
  const flags = {
    "listen.port": 0,
    "repository.path": folder.path,
    "engine.trial": false,
    "engine.threads": 1,
    "logging.level": "silent",
  };
  const { connections, connectionsPerAddress, streams, headerBytes, headersMs, requestMs, idleMs } =
    defaultLimits;
  assert.deepEqual(parseConfig({ flags }).config.listen.limits, {
    connections,
    connectionsPerAddress,
    streams,
    headerBytes,
    headersMs,
    requestMs,
    idleMs,
  });
  const { config } = parseConfig({
    flags: {
      ...flags,
      "listen.limits.connections": 5,
      "listen.limits.connectionsPerAddress": 2,
      "listen.limits.streams": 7,
      "listen.limits.headerBytes": 2048,
      // Shorter than that of the headers, which are part of a request.
      "listen.limits.requestMs": 300,
      "listen.limits.idleMs": 200,
    },
  });
  await using server = await startServer(config);
  const session = await openHttp2(server.url);
  // The server's settings have come before its answer.
  await get2(session, "/");
  const { maxConcurrentStreams, maxHeaderListSize } = session.remoteSettings;
  assert.deepEqual([maxConcurrentStreams, maxHeaderListSize], [7, 2048]);
  const slow = await openSocket(server.port);
  const answer = received(slow);
  assert.equal(await received(await openSocket(server.port)), "");
  slow.write("POST /v2/models/scaler/infer HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nslow");
  assert.match(await answer, /^HTTP\/1\.1 408 /);
  if (!session.closed) await once(session, "close");
  const metrics = await server.metricsText();
  assert.match(metrics, /cupel_connection_errors_total\{cause="too_many_of_address"\} 1\n/);
  assert.match(metrics, /cupel_connection_errors_total\{cause="request_timeout"\} 1\n/);
});

test("limits that no timer and no protocol can keep are refused by name", () => {
  for (const [name, value] of [
    ["connections", 0],
    ["connectionsPerAddress", 0],
    ["streams", 2 ** 31],
    ["headerBytes", 10],
    ["headersMs", 2 ** 31],
    ["idleMs", 0],
  ] as const) {
    assert.throws(() => parseConfig({ flags: { [`listen.limits.${name}`]: value } }), {
      code: "CONFIG_INVALID",
      message: new RegExp(`listen\\.limits\\.${name}|/listen/limits/${name}`),
    });
  }
});
