/** Every example of docs/client.md runs, against a server that answers as `cupel serve` does. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { openTemporaryFolder } from "@cupel/base";
import { type FaultyServer, httpServer } from "./support/faulty-server.ts";

const page = readFileSync(join(import.meta.dirname, "../../../docs/client.md"), "utf8");
const examples = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = ""]) => code);

/** What the examples print, in their order. */
const printed = ["open\n", "2 4 6\n", "MODEL_UNKNOWN 404 true\n", "region eu\ntrue\n"];

const json = (value: object) => ({ status: 200, body: JSON.stringify(value) });
const answers: Readonly<Record<string, { readonly status: number; readonly body: string }>> = {
  "/v2/health/live": json({}),
  "/v2/health/ready": json({}),
  "/v2/models/inspection/predict?top=1": json({
    model_name: "inspection",
    model_version: "1",
    task: "classification",
    answers: [{ width: 1, height: 1, classes: [{ index: 0, name: "open", score: 0.9 }] }],
  }),
  "/v2/models/scaler/infer": json({
    model_name: "scaler",
    model_version: "1",
    outputs: [{ name: "y", datatype: "FP32", shape: [1, 3], data: [2, 4, 6] }],
  }),
  "/v2/models/none/infer": {
    status: 404,
    body: JSON.stringify({ code: "MODEL_UNKNOWN", detail: "There is no model none.", retryable: false }),
  },
};

function server(): Promise<FaultyServer> {
  return httpServer(({ url = "" }: IncomingMessage, response) => {
    const { status, body } = Object.hasOwn(answers, url) ? answers[url]! : { status: 500, body: url };
    response.writeHead(status).end(body);
  });
}

test("the examples of docs/client.md print what they should", async () => {
  assert.equal(examples.length, printed.length);
  await using answering = await server();
  await using folder = await openTemporaryFolder("client-docs");
  const image = join(folder.path, "part.png");
  // The first bytes of a PNG: the server here looks no further.
  await writeFile(image, Uint8Array.of(0x89, 0x50, 0x4e, 0x47));
  const outputs = await Promise.all(
    examples.map(async (example) => {
      const code = example
        .replaceAll("http://127.0.0.1:8080", answering.url)
        .replace('"part.png"', JSON.stringify(image));
      const run = [process.execPath, ["--input-type=module-typescript", "--eval", code]] as const;
      const { stdout } = await promisify(execFile)(...run, { cwd: join(import.meta.dirname, "..") });
      return stdout;
    }),
  );
  assert.deepEqual(outputs, printed);
});
