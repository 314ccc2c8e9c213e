/** GraphQL over HTTP: the audits of graphql-http, one a test, and what goes beyond them. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:http2";
import { after, before, describe, test } from "node:test";
import { serverAudits } from "graphql-http";
import { reportMissing } from "../../src/core/model-report.ts";
import { serveErrors } from "../../src/errors.ts";
import { allEvents, eventsOf, type OpenFace, openGraphqlFace } from "./open-face.ts";

let face: OpenFace;
before(async () => {
  face = await openGraphqlFace();
});
after(() => face[Symbol.asyncDispose]());

describe("graphql-http", () => {
  const audits = serverAudits({ url: () => face.url });
  test("has 61 audits", () => assert.equal(audits.length, 61));
  for (const audit of audits) {
    test(`${audit.id} ${audit.name}`, async () => {
      const result = await audit.fn();
      assert.equal(result.status, "ok", "reason" in result ? result.reason : "");
    });
  }
});

const infer = `query ($inputs: [TensorInput!]!, $model: String = "echo") {
  infer(model: $model, inputs: $inputs) { outputs { name data base64 } }
}`;
const row = { name: "x", datatype: "FP32", shape: [1, 3], data: [1, 2.5, -3] };

describe("operations", () => {
  test("every field of a model is answered, and each but once asked of the service", async () => {
    const { data, codes } = await face.ask(`{
      server { name version extensions isReady }
      models(ready: true) { name version state reason model { version metadata { inputs { name datatype shape } } } }
      model(name: "echo") { name version isReady metadata { name versions platform properties { name value } }
        statistics { model version rows runs lastInference success { count ms } queue { count } } }
    }`);
    assert.deepEqual(codes, []);
    assert.deepEqual(data, {
      server: { name: "cupel", version: "0.1.0", extensions: ["statistics"], isReady: true },
      models: [
        {
          name: "echo",
          version: "1",
          state: "READY",
          reason: "",
          model: { version: "1", metadata: { inputs: [{ name: "x", datatype: "FP32", shape: [-1, 3] }] } },
        },
      ],
      model: {
        name: "echo",
        version: null,
        isReady: true,
        metadata: {
          name: "echo",
          versions: ["1"],
          platform: "onnxruntime_onnx",
          properties: [{ name: "task", value: "none" }],
        },
        statistics: [
          {
            model: "echo",
            version: "1",
            rows: 6,
            runs: 2,
            lastInference: 1_700_000_000_000,
            success: { count: 3, ms: 1.5 },
            queue: { count: 0 },
          },
        ],
      },
    });
  });

  test("the report of a model is told as it was written, null where there is none, with the others' answers where it is refused", async () => {
    const written = { format: "cupel-report/1", layers: [{ "a b": [0.1, null] }] };
    await using opened = await openGraphqlFace({
      over: {
        async modelReport(model, version = "none") {
          if (version === "none") throw reportMissing({ model, version });
          if (version === "refused") throw serveErrors.error("REPORT_REFUSED", "Another signed it.");
          return { name: "m.report.json", bytes: Buffer.from(JSON.stringify(written)) };
        },
      },
    });
    const { data, codes } = await opened.ask(`{
      made: model(name: "echo", version: "1") { report }
      unmade: model(name: "echo") { report }
      refused: model(name: "echo", version: "refused") { name report }
    }`);
    assert.deepEqual(data, {
      made: { report: written },
      unmade: { report: null },
      refused: { name: "echo", report: null },
    });
    assert.deepEqual(codes, ["REPORT_REFUSED"]);
    const many = await opened.ask("{ models { model { report } } }");
    assert.deepEqual([many.status, many.codes], [400, ["QUERY_TOO_COMPLEX"]]);
  });

  test("tensors of every datatype come back as they were sent", async () => {
    const inputs = [
      row,
      { name: "bool", datatype: "BOOL", shape: [2], data: [true, 0] },
      // 2^63 - 1 and -2^63: no double has them.
      {
        name: "wide",
        datatype: "INT64",
        shape: [3],
        data: ["9223372036854775807", "-9223372036854775808", 5],
      },
      { name: "unsigned", datatype: "UINT64", shape: [1], data: ["18446744073709551615"] },
      // 1.0 and -2.0 in half precision (IEEE 754): 0x3c00, 0xc000.
      {
        name: "half",
        datatype: "FP16",
        shape: [2],
        base64: Buffer.from([0, 0x3c, 0, 0xc0]).toString("base64"),
      },
    ];
    const half = await face.ask(infer.replace("data ", ""), { inputs: inputs.slice(4) });
    assert.deepEqual(half.data, { infer: { outputs: [{ name: "half", base64: "ADwAwA==" }] } });
    const { data } = await face.ask(infer.replace("base64", ""), { inputs: inputs.slice(0, 4) });
    assert.deepEqual(data, {
      infer: {
        outputs: [
          { name: "x", data: [1, 2.5, -3] },
          { name: "bool", data: [true, false] },
          { name: "wide", data: ["9223372036854775807", "-9223372036854775808", "5"] },
          { name: "unsigned", data: ["18446744073709551615"] },
        ],
      },
    });
    const literal = await face.ask(`{ infer(model: "echo", inputs: [
      { name: "w", datatype: INT64, shape: [2], data: [9223372036854775807, -9223372036854775808] }
    ]) { outputs { data } } }`);
    assert.deepEqual(literal.data, {
      infer: { outputs: [{ data: ["9223372036854775807", "-9223372036854775808"] }] },
    });
  });

  test("NaN, infinities and halves have no form in JSON; the same tensor as base64 has", async () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const base64 = Buffer.from(Float32Array.of(value).buffer).toString("base64");
      const inputs = [{ name: "x", datatype: "FP32", shape: [1], base64 }];
      const { status, data, codes } = await face.ask(infer, { inputs });
      assert.deepEqual([status, codes], [200, ["NOT_ACCEPTABLE"]]);
      assert.deepEqual(data, { infer: { outputs: [{ name: "x", data: null, base64 }] } });
    }
  });

  test("a refusal of the only field has its status, when to come again, and its code; a defect is masked", async () => {
    const told = async (model: string, accept = "application/graphql-response+json") => {
      const { status, headers, codes, text } = await face.ask(infer, { inputs: [row], model }, { accept });
      assert.doesNotMatch(text, /secret/);
      return [status, headers.get("retry-after"), codes[0]];
    };
    assert.deepEqual(await told("none"), [404, null, "MODEL_UNKNOWN"]);
    assert.deepEqual(await told("full"), [429, "2", "QUEUE_LIMIT"]);
    assert.deepEqual(await told("broken"), [500, null, "INTERNAL"]);
    // Clients of application/json take anything but 200 for no answer of GraphQL.
    assert.deepEqual(await told("full", "application/json"), [200, "2", "QUEUE_LIMIT"]);
  });

  test("where the time of each run went is told on request", async () => {
    const query = `query ($inputs: [TensorInput!]!) { a: infer(model: "echo", inputs: $inputs) { outputs { data } } }`;
    const { extensions } = await face.ask(query, { inputs: [row] }, { "cupel-timing": "1" });
    const { runs } = (extensions as { timing: { runs: Record<string, unknown>[] } }).timing;
    assert.deepEqual(
      runs.map((run) => Object.keys(run)),
      [["path", "decode", "encode"]],
    );
    assert.equal(runs[0]?.path, "a");
    assert.equal((await face.ask(query, { inputs: [row] })).extensions, undefined);
  });

  test("load and unload are mutations; a GET reads alone", async () => {
    const { data } = await face.ask(
      'mutation { load(model: "echo") { name } unload(model: "echo") { name } }',
    );
    assert.deepEqual(data, { load: { name: "echo" }, unload: { name: "echo" } });
    const asked = await face.send(
      {},
      `?query=${encodeURIComponent('mutation { load(model: "echo") { name } }')}`,
    );
    assert.deepEqual(
      [asked.status, asked.codes, asked.headers.get("allow")],
      [405, ["METHOD_NOT_ALLOWED"], "POST"],
    );
  });
});

describe("files", () => {
  const query = `query ($images: [ImageInput!]!) { predict(model: "m", images: $images) { answers { width boxes { name } } } }`;
  const formOf = (map: object, operations: object = { query, variables: { images: [{ upload: null }] } }) => {
    const form = new FormData();
    form.append("operations", JSON.stringify(operations));
    form.append("map", JSON.stringify(map));
    form.append("0", new Blob([Buffer.from([1, 2, 3])]), "part.png");
    return form;
  };
  const csrf = { "cupel-csrf": "1", accept: "application/graphql-response+json" };

  test("come in a form, as variables", async () => {
    const body = formOf({ 0: ["variables.images.0.upload"] });
    const { data } = await face.send({ method: "POST", body, headers: csrf });
    assert.deepEqual(data, { predict: { answers: [{ width: 20, boxes: [{ name: "short" }] }] } });
    assert.deepEqual(face.service.predictions.at(-1)?.images, [
      { kind: "encoded", bytes: Uint8Array.of(1, 2, 3) },
    ]);
  });

  test("are not taken from a page that did not have to ask, nor is another simple type", async () => {
    const form = await face.send({ method: "POST", body: formOf({ 0: ["variables.images.0.upload"] }) });
    assert.deepEqual([form.status, form.codes], [403, ["PREFLIGHT_REQUIRED"]]);
    for (const type of ["text/plain", "application/x-www-form-urlencoded", ""]) {
      const body = new Blob([JSON.stringify({ query: 'mutation { load(model: "echo") { name } }' })], {
        type,
      });
      const { status, codes } = await face.send({ method: "POST", body });
      assert.deepEqual([status, codes], [415, ["MEDIA_TYPE_UNSUPPORTED"]], type);
    }
  });

  test("go nowhere but where a variable is null", async () => {
    const maps = [
      { 0: ["variables.__proto__.polluted"] },
      { 0: ["variables.images.0.constructor"] },
      { 0: ["query"] },
      { 0: "variables.images.0.upload" },
      { 7: ["variables.images.0.upload"] },
    ];
    for (const map of maps) {
      const { status, codes } = await face.send({ method: "POST", body: formOf(map), headers: csrf });
      assert.deepEqual([status, codes], [400, ["REQUEST_INVALID"]], JSON.stringify(map));
    }
    assert.equal(Object.hasOwn(Object.prototype, "polluted"), false);
    const headers = { ...csrf, "content-type": "multipart/form-data; boundary=x" };
    for (const body of ["no form", "--x\r\n".repeat(2_000)]) {
      assert.deepEqual((await face.send({ method: "POST", body, headers })).codes, ["REQUEST_INVALID"]);
    }
  });
});

describe("streams", () => {
  const subscription = (query: string) => `${face.url}?query=${encodeURIComponent(query)}`;
  const events = { headers: { accept: "text/event-stream" } };

  test("images are answered one by one, one that fails in its place", async () => {
    await using own = await openGraphqlFace({
      over: {
        async predict({ model, images: [image] }) {
          if (image?.bytes[0] === 9) throw serveErrors.error("IMAGE_INVALID", "The image cannot be decoded.");
          return { model, version: "1", task: "features", answers: [{ width: image!.bytes[0]!, height: 1 }] };
        },
      },
    });
    const response = await fetch(own.url, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "text/event-stream" },
      body: JSON.stringify({
        query: `subscription ($images: [ImageInput!]!) { predictEach(model: "m", images: $images) {
          index prediction { answers { width } } } }`,
        variables: { images: [7, 9, 8].map((byte) => ({ base64: Buffer.from([byte]).toString("base64") })) },
      }),
    });
    const told = (await allEvents(response)).map(({ event, data }) => ({
      event,
      ...JSON.parse(data || "{}"),
    }));
    assert.deepEqual(told.pop(), { event: "complete" });
    told.sort((a, b) => a.data.predictEach.index - b.data.predictEach.index);
    assert.deepEqual(
      told.map(({ data, errors }) => [
        data.predictEach.prediction?.answers[0].width,
        errors?.[0].extensions.code,
      ]),
      [
        [7, undefined],
        [undefined, "IMAGE_INVALID"],
        [8, undefined],
      ],
    );
  });

  test("changes of models are told, and the end of the server, over HTTP/1.1 and HTTP/2", async () => {
    let state: "READY" | "LOADING" = "LOADING";
    const index = () => [{ name: "m", version: "1", state, reason: "" }];
    await using own = await openGraphqlFace({ over: { repositoryIndex: index } });
    const query = `?query=${encodeURIComponent("subscription { modelChanges { name state } }")}`;
    const session = connect(own.origin2);
    const stream = session.request({ ":path": `/graphql${query}`, accept: "text/event-stream" });
    let text = "";
    stream.setEncoding("utf8").on("data", (chunk) => {
      text += chunk;
    });
    const told = eventsOf(await fetch(`${own.url}${query}`, events));
    const next = async () => JSON.parse((await told.next()).value?.data ?? "null");
    assert.deepEqual(await next(), { data: { modelChanges: { name: "m", state: "LOADING" } } });
    state = "READY";
    assert.deepEqual(await next(), { data: { modelChanges: { name: "m", state: "READY" } } });
    while (!text.includes("READY")) await once(stream, "data");
    own.stop();
    assert.equal((await next()).errors[0].extensions.code, "SERVER_STOPPING");
    assert.deepEqual(await told.next(), { done: false, value: { event: "complete", data: "" } });
    assert.equal((await told.next()).done, true);
    await once(stream, "close");
    assert.match(text, /"READY".*SERVER_STOPPING.*event: complete\ndata:\n\n$/s);
    session.close();
  });

  test("a client that leaves ends its stream", async () => {
    const looked: AbortSignal[] = [];
    const entries = face.service.repositoryIndex();
    await using own = await openGraphqlFace({
      over: {
        repositoryIndex({ signal }) {
          looked.push(signal);
          return entries;
        },
      },
    });
    const leaver = new AbortController();
    const response = await fetch(
      `${own.url}?query=${encodeURIComponent("subscription { modelChanges { name } }")}`,
      {
        ...events,
        signal: leaver.signal,
      },
    );
    await eventsOf(response).next();
    const [signal] = looked;
    const fired = once(signal!, "abort");
    leaver.abort();
    await fired;
  });

  test("a deadline ends a stream with its code", async () => {
    const headers = { accept: "text/event-stream", "cupel-timeout-ms": "60" };
    const response = await fetch(subscription("subscription { modelChanges { name } }"), { headers });
    const told = await allEvents(response);
    assert.equal(told.at(-1)?.event, "complete");
    assert.match(told.at(-2)?.data ?? "", /DEADLINE_EXCEEDED/);
  });

  test("@defer and @stream answer in parts, or as events", async () => {
    const query = `{ model(name: "echo") { name ... @defer { metadata { platform } } } models { name } }`;
    const parts = await face.ask(query, {}, { accept: "multipart/mixed" });
    assert.match(parts.headers.get("content-type") ?? "", /^multipart\/mixed/);
    assert.match(parts.text, /"hasNext":true.*"platform":"onnxruntime_onnx".*"hasNext":false/s);
    const streamed = await face.ask(
      "{ models @stream(initialCount: 1) { name } }",
      {},
      { accept: "text/event-stream" },
    );
    assert.match(streamed.text, /\[\{"name":"echo"\}\].*"items":\[\{"name":"old"\}\]/s);
    const plain = await face.ask(query);
    assert.deepEqual([plain.status, plain.codes], [406, ["NOT_ACCEPTABLE"]]);
  });
});
