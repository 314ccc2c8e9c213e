/** gRPC-Web and Connect from a page of another origin, in Chromium, by the clients that pages use. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { openFace } from "../grpc/open-face.ts";
import type { PageFunctions } from "./grpc-web-page.ts";
import { openPage, skip } from "./page-fixture.ts";

/** In the page. */
declare const tryConnectWeb: PageFunctions["tryConnectWeb"];
declare const tryOfficial: PageFunctions["tryOfficial"];

const expected = { name: "cupel", reason: "QUEUE_LIMIT", told: [0, 1, 2], isTimed: true };

test("a page of an allowed origin calls, is refused by name, and reads a stream", { skip }, async () => {
  await using opened = await openPage(join(import.meta.dirname, "grpc-web-page.ts"));
  const { page, origin, problems } = opened;
  await using server = await openFace({ cors: { origins: [origin], maxAgeSeconds: 60 } });
  const { url } = server.listener;
  for (const protocol of ["connect", "grpc-web"] as const) {
    const came = await page.evaluate(([at, name]) => tryConnectWeb(at, name), [url, protocol] as const);
    assert.deepEqual(came, expected, protocol);
  }
  for (const mode of ["binary", "text"] as const) {
    const came = await page.evaluate(([at, name]) => tryOfficial(at, name), [url, mode] as const);
    assert.deepEqual(came, expected, mode);
  }
  // The console tells of the status of the one that Connect refuses.
  assert.deepEqual(
    problems.filter((each) => !each.includes("429")),
    [],
  );
  assert.ok(server.state.keys.every((key) => key === "right"));

  await using closed = await openFace({ cors: { origins: ["https://else.example"], maxAgeSeconds: 60 } });
  const asked = page.evaluate((at) => tryConnectWeb(at, "grpc-web"), closed.listener.url);
  await assert.rejects(asked, /Failed to fetch/);
  assert.deepEqual(closed.state.keys, [], "not even asked");
});
