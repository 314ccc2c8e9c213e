/** @cupel/client in a page of another origin, in Chromium, over every face that a browser has. */
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openTemporaryFolder } from "@cupel/base";
import { parseConfig, startServer } from "@cupel/serve";
import { brightness, scaler } from "../support/tiny-models.ts";
import type { TryClient } from "./client-page.ts";
import { skip as noBrowser, openPage } from "./page-fixture.ts";

/** In the page. */
declare const tryClient: TryClient;

/** In every run the faces are tried in Node.js (behaviour/through-client.test.ts), and the bundle is made. */
const skip = process.env.CUPEL_LONG_TESTS === "1" ? noBrowser : "CUPEL_LONG_TESTS=1 runs it";
const faces = ["rest-json", "rest-binary", "grpc-web", "connect", "websocket", "graphql"] as const;

test("the client in a page: tensors, an image, a refusal, and by WebSocket a stream", { skip }, async () => {
  await using opened = await openPage(join(import.meta.dirname, "client-page.ts"));
  await using folder = await openTemporaryFolder("page");
  await writeFile(join(folder.path, "scaler.onnx"), scaler(2));
  await writeFile(join(folder.path, "bright.onnx"), brightness());
  const settings = {
    listen: { port: 0 },
    engine: { threads: 1, trial: false },
    cors: { origins: [opened.origin] },
    access: {
      keys: [{ name: "page", sha256: hash("sha256", "key", "hex"), roles: ["page"] }],
      grants: [{ role: "page", actions: ["*"] }],
    },
    logging: { level: "silent" },
  };
  const { config } = parseConfig({
    file: { path: join(folder.path, "serve.json"), text: JSON.stringify(settings) },
    flags: { "repository.path": folder.path },
  });
  await using server = await startServer(config);
  const url = `http://127.0.0.1:${server.port}`;
  for (const face of faces) {
    const came = await opened.page.evaluate(([at, name]) => tryClient(at, name), [url, face] as const);
    const streamed = face === "websocket" ? 2 : "FACE_UNSUPPORTED";
    assert.deepEqual(came, { y: [2, 4, 6], name: "bright", refused: "MODEL_UNKNOWN", streamed }, face);
  }
});
