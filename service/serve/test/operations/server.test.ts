/** A whole server as who runs it sees it: figures, lines, events, pages of other origins, and its end. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openTemporaryFolder } from "@cupel/base";
import { parseConfig, startServer } from "@cupel/serve";
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
    },
  });
  const lines: Record<string, unknown>[] = [];
  const actions: string[] = [];
  await using server = await startServer(config, {
    log: { write: (line) => void lines.push(JSON.parse(line)) },
    sink: { emit: async ({ action }) => void actions.push(action) },
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
    ["INFER.REQUEST", "ACCESS.REFUSE"],
  );
});
