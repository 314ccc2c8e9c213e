/** Everything that watches a server, from its configuration, over one request; traces arrive at a collector. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { createAdmission } from "../../src/access/create-admission.ts";
import { parseConfig } from "../../src/operations/config/load-config.ts";
import { openOperations } from "../../src/operations/open-operations.ts";
import { createPrometheus } from "../../src/operations/prometheus.ts";
import { arrival } from "../support/arrival.ts";
import { fakeService } from "../support/fake-service.ts";

test("a request is logged, counted, recorded and traced; the secret of the collector is in no line", async () => {
  const received: { readonly authorization: string | undefined; readonly body: string }[] = [];
  const collector = createServer(async (request, response) => {
    received.push({ authorization: request.headers.authorization, body: await text(request) });
    response.end("{}");
  });
  await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
  const address = collector.address();
  assert.ok(typeof address === "object" && address !== null);
  process.env.CUPEL_TEST_COLLECTOR = "Bearer secret-of-the-collector";
  try {
    const { config } = parseConfig({
      flags: {
        "tracing.endpoint": `http://127.0.0.1:${address.port}/v1/traces`,
        "tracing.authorization": "$ENV:CUPEL_TEST_COLLECTOR",
      },
    });
    using instruments = createPrometheus({ models: { has: () => true } });
    const lines: string[] = [];
    const actions: string[] = [];
    {
      await using operations = await openOperations(config, {
        instruments,
        sink: { emit: async ({ action }) => void actions.push(action) },
        destination: { write: (line) => void lines.push(line) },
      });
      const admission = createAdmission({ instruments, observer: operations.observer });
      const service = operations.observed(fakeService());
      using call = await admission.admit(arrival());
      await service.infer({ model: "model", inputs: [] }, call);
    }
    assert.deepEqual(actions, ["INFER.REQUEST"]);
    assert.equal(lines.length, 1);
    assert.ok(instruments.metricsText().includes('model="model",version="7",code="OK"} 1\n'));
    assert.equal(received[0]?.authorization, "Bearer secret-of-the-collector");
    const { traceId } = JSON.parse(lines[0]!);
    const { resourceSpans } = JSON.parse(received[0]!.body);
    const span = resourceSpans[0].scopeSpans[0].spans[0];
    assert.equal(span.name, "infer");
    assert.equal(span.traceId, traceId);
    assert.ok(!lines.join("").includes("secret-of-the-collector"));
  } finally {
    delete process.env.CUPEL_TEST_COLLECTOR;
    collector.closeAllConnections();
    collector.close();
  }
});

test("a server stops without its collector, and says that traces were lost", async () => {
  const { config } = parseConfig({ flags: { "tracing.endpoint": "http://127.0.0.1:1/v1/traces" } });
  using instruments = createPrometheus({ models: { has: () => true } });
  const lines: string[] = [];
  const operations = await openOperations(config, {
    instruments,
    destination: { write: (line) => void lines.push(line) },
  });
  const admission = createAdmission({ observer: operations.observer });
  {
    using call = await admission.admit(arrival());
    await operations.observed(fakeService()).infer({ model: "model", inputs: [] }, call);
  }
  await operations[Symbol.asyncDispose]();
  assert.match(lines.at(-1) ?? "", /"level":"warn".*could not be sent/);
});
