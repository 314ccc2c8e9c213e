/** The Open Inference Protocol in JSON: what is taken, what is answered, what is refused and how. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { serveErrors } from "../../src/errors.ts";
import { echo, infer, serve } from "./support.ts";

function request(data: string, { datatype = "FP32", shape = "[2,2]" } = {}): string {
  return `{"id":"a","inputs":[{"name":"x","shape":${shape},"datatype":"${datatype}","data":${data}}]}`;
}

test("metadata, health and inference answer in the protocol's form, over HTTP/1.1", async () => {
  await using served = await serve();
  const get = async (path: string) => (await fetch(served.url + path)).json();
  assert.deepEqual(await get("/v2"), {
    name: "cupel",
    version: "0.1.0",
    extensions: ["binary_tensor_data"],
  });
  assert.equal((await fetch(`${served.url}/v2/health/live`)).status, 200);
  assert.equal((await fetch(`${served.url}/v2/health/ready`)).status, 200);
  assert.equal((await fetch(`${served.url}/v2/models/echo/ready`)).status, 200);
  assert.equal((await fetch(`${served.url}/v2/models/none/ready`)).status, 404);
  assert.deepEqual(await get("/v2/models/echo"), await get("/v2/models/echo/versions/1"));
  const answer = await infer(served.url, request("[[1,2],[0.1,-4e2]]"));
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-type"), "application/json");
  assert.equal(
    answer.text,
    '{"model_name":"echo","model_version":"1","id":"a","outputs":[{"name":"x","datatype":"FP32","shape":[2,2],"data":[1,2,0.1,-400]}]}',
  );
});

test("data of every datatype goes in and comes out, 64-bit integers with all their digits", async () => {
  await using served = await serve();
  const cases: readonly (readonly [string, string, string])[] = [
    ["BOOL", "[true,false,1,0]", "[true,false,true,false]"],
    ["UINT8", "[0,1,254,255]", "[0,1,254,255]"],
    ["INT8", "[-128,0,1.0,127]", "[-128,0,1,127]"],
    ["UINT16", "[0,1,2,65535]", "[0,1,2,65535]"],
    ["INT16", "[-32768,0,1,32767]", "[-32768,0,1,32767]"],
    ["UINT32", "[0,1,2,4294967295]", "[0,1,2,4294967295]"],
    ["INT32", "[-2147483648,0,1e3,2147483647]", "[-2147483648,0,1000,2147483647]"],
    [
      "INT64",
      "[9007199254740993,-9223372036854775808,9223372036854775807,1e3]",
      "[9007199254740993,-9223372036854775808,9223372036854775807,1000]",
    ],
    ["UINT64", "[18446744073709551615,0,9007199254740993,1]", "[18446744073709551615,0,9007199254740993,1]"],
    ["FP64", "[0.1,1e300,-0.0,5e-324]", "[0.1,1e+300,-0,5e-324]"],
    [
      "FP32",
      " [ [ 0.1 , 3.4028234663852886e38 ] , [ -0 , 1e-45 ] ] ",
      "[0.1,3.4028234663852886e+38,-0,1.401298464324817e-45]",
    ],
  ];
  for (const [datatype, data, expected] of cases) {
    const { status, text } = await infer(served.url, request(data, { datatype }));
    assert.equal(status, 200, `${datatype}: ${text}`);
    assert.equal(text.slice(text.indexOf('"data":') + 7, -3), expected, datatype);
  }
});

test("names that objects have besides are names like others, and keys may be written with escapes", async () => {
  await using served = await serve();
  const body =
    '{"inputs":[{"\\u0064ata":[7],"name":"__proto__","shape":[1],"datatype":"INT32","parameters":{"__proto__":1}}]}';
  const { status, text } = await infer(served.url, body);
  assert.equal(status, 200, text);
  assert.match(text, /"name":"__proto__","datatype":"INT32","shape":\[1\],"data":\[7\]/);
});

test("brackets and quotes within texts are text", async () => {
  await using served = await serve();
  const name = 'a"]}\\"[{\\';
  const inputs = [
    { name, shape: [2], datatype: "INT8", data: [1, 2], parameters: { note: '\\"data":[9' } },
    { name: "data", shape: [1, 1], datatype: "BYTES", data: [["AA=="]] },
    { name: "inputs", shape: [0], datatype: "FP32", data: [] },
  ];
  const { status, text } = await infer(served.url, JSON.stringify({ id: '"inputs":[', inputs }, null, 1));
  assert.equal(status, 200, text);
  const { id, outputs } = JSON.parse(text);
  assert.equal(id, '"inputs":[');
  assert.deepEqual(
    outputs.map((output: { name: string; data: number[] }) => [output.name, output.data]),
    [
      [name, [1, 2]],
      ["inputs", []],
    ],
  );
});

test("a malformed request is refused by name", async () => {
  await using served = await serve();
  const nested = "[".repeat(20_000) + "]".repeat(20_000);
  const refused: readonly (readonly [string, string, RegExp])[] = [
    ["{", "REQUEST_INVALID", /not JSON/],
    ["[]", "REQUEST_INVALID", /must be object/],
    ['{"inputs":1}', "REQUEST_INVALID", /\/inputs must be array/],
    [`{"a":${nested}}`, "REQUEST_INVALID", /levels deep/],
    [request(nested), "REQUEST_INVALID", /levels deep/],
    [request("[1, 2, 3]"), "INPUT_SHAPE_MISMATCH", /3 were sent/],
    [request("[1,2,3,4,5]"), "INPUT_SHAPE_MISMATCH", /5 were sent/],
    [request("[[1,2,3],[4]]"), "INPUT_SHAPE_MISMATCH", /dimension 1 has 3/],
    [request("[[[1],2],[3,4]]"), "REQUEST_INVALID", /a list/],
    [request("[[1,2],3]"), "INPUT_SHAPE_MISMATCH", /less deep/],
    [request("[1,2,3,4]", { shape: "[9007199254740991,9007199254740991]" }), "INPUT_SHAPE_MISMATCH", /fewer/],
    [request("[1,2,3,4]", { shape: "[-1]" }), "REQUEST_INVALID", /shape/],
    [request("[1,2,,3]"), "REQUEST_INVALID", /not JSON/],
    [request("[1,2,3,4,]"), "REQUEST_INVALID", /not JSON/],
    [request("[1,2,3,NaN]"), "REQUEST_INVALID", /not JSON.*binary/],
    [request("[1,2,3,null]"), "REQUEST_INVALID", /Element 3/],
    [request("[1,2,3,1e39]"), "REQUEST_INVALID", /Element 3.*not of FP32/],
    [request("[1,2,3,3.4028235677973366e38]"), "REQUEST_INVALID", /Element 3.*not of FP32/],
    [request("[1,2,3,256]", { datatype: "UINT8" }), "REQUEST_INVALID", /Element 3.*not of UINT8/],
    [request("[1,2,3,1.5]", { datatype: "INT32" }), "REQUEST_INVALID", /not of INT32/],
    [request("[1,2,3,18446744073709551616]", { datatype: "UINT64" }), "REQUEST_INVALID", /not of UINT64/],
    [request("[1,2,3,4]", { datatype: "FP16" }), "DATATYPE_UNSUPPORTED", /binary/],
    [request("[1,2,3,4]", { datatype: "BF16" }), "DATATYPE_UNSUPPORTED", /FP32/],
    [request('["a*"]', { datatype: "BYTES", shape: "[1]" }), "REQUEST_INVALID", /not of BYTES/],
    [request("7"), "REQUEST_INVALID", /is an array/],
    ['{"inputs":[{"name":"x","shape":[1],"datatype":"FP32"}]}', "REQUEST_INVALID", /no data/],
    [
      '{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[x],"data":[1]}]}',
      "REQUEST_INVALID",
      /given twice/,
    ],
  ];
  for (const [body, code, reason] of refused) {
    const { status, headers, text } = await infer(served.url, body);
    assert.equal(status, 400, `${body.slice(0, 100)}: ${text}`);
    assert.equal(headers.get("content-type"), "application/problem+json");
    const problem: Record<string, unknown> = JSON.parse(text);
    assert.equal(problem.code, code, `${body.slice(0, 100)}: ${text}`);
    assert.match(String(problem.detail), reason);
    assert.equal(problem.error, problem.detail);
    assert.equal(problem.type, `urn:cupel:error:${code}`);
    assert.equal(problem.instance, "/v2/models/echo/infer");
  }
});

test("NaN is not sent as JSON: the answer says how to get it", async () => {
  const y = { name: "y", datatype: "FP32", shape: [2], data: Float32Array.of(1, Number.NaN) } as const;
  const service = echo({ infer: async () => ({ model: "echo", version: "1", outputs: [y] }) });
  await using served = await serve({ service });
  const { status, text } = await infer(served.url, request("[1,2,3,4]"));
  assert.equal(status, 406);
  assert.match(text, /NaN at element 1.*binary/);
});

test("an unknown path is 404, a wrong method 405 with Allow, and no defect tells a path or a stack", async () => {
  const infers = () => Promise.reject(new Error("ENOENT: /secret/place"));
  await using served = await serve({ service: echo({ infer: infers }) });
  const unknown = await fetch(`${served.url}/v2/nothing?key=secret`);
  assert.equal(unknown.status, 404);
  const problem = await unknown.text();
  assert.match(problem, /"code":"ROUTE_UNKNOWN"/);
  assert.doesNotMatch(problem, /secret/);
  const wrong = await fetch(`${served.url}/v2/models/echo`, { method: "DELETE" });
  assert.equal(wrong.status, 405);
  assert.equal(wrong.headers.get("allow"), "GET, HEAD");
  // A method with a body, without a content type.
  for (const [path, status] of [
    ["/v2", 405],
    ["/nothing", 404],
  ] as const) {
    const answer = await fetch(served.url + path, { method: "QUERY" });
    assert.equal(answer.status, status);
    assert.notEqual(answer.headers.get("connection"), "close", "the connection goes on");
    assert.match(await answer.text(), /"code":"(METHOD_NOT_ALLOWED|ROUTE_UNKNOWN)"/);
  }
  const type = await infer(served.url, request("[1,2,3,4]"), { "content-type": "no type" });
  assert.equal(type.status, 415);
  for (const path of [
    "/v2/models/%ff",
    `/v2/models/${"m".repeat(513)}`,
    "/v2/models/",
    "/v2/models//infer",
    "/v2/",
  ]) {
    const answer = await fetch(served.url + path);
    assert.equal(answer.status, 404, path);
    assert.match(await answer.text(), /"code":"ROUTE_UNKNOWN"/, path);
  }
  const encoded = await fetch(`${served.url}/v2/m%6fdels/ech%6F?x=1`);
  assert.match(await encoded.text(), /"name":"echo"/);
  assert.deepEqual(await (await fetch(`${served.url}/v2/models/stats`)).json(), { model_stats: [] });
  const stats = await fetch(`${served.url}/v2/models/stats`, { method: "PUT" });
  assert.equal(stats.headers.get("allow"), "GET, HEAD");
  assert.equal((await fetch(`${served.url}/v2`, { method: "HEAD" })).status, 200);
  const defect = await infer(served.url, request("[1,2,3,4]"));
  assert.equal(defect.status, 500);
  assert.doesNotMatch(defect.text, /secret|ENOENT/);
});

test("what is refused for now says when to come back, and of which limit", async () => {
  const details = { limit: 8, setting: "queueLimit", retryAfterMs: 1500 };
  const infers = () => Promise.reject(serveErrors.error("QUEUE_LIMIT", "Eight wait.", { details }));
  await using served = await serve({ service: echo({ infer: infers }) });
  const { status, headers, text } = await infer(served.url, request("[1,2,3,4]"));
  assert.equal(status, 429);
  assert.equal(headers.get("retry-after"), "2");
  const { limit, setting, retryAfterMs, retryable } = JSON.parse(text);
  assert.deepEqual({ limit, setting, retryAfterMs, retryable }, { ...details, retryable: true });
});
