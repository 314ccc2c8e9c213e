/** What nobody sends by mistake: each is refused with a code, costs little, and the server answers the next. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { getIntrospectionQuery, getNamedType, isListType, isNonNullType, isObjectType } from "graphql";
import { createPolicy, openPolicy } from "../../src/access/policy.ts";
import { costTable } from "../../src/graphql/limits/cost.ts";
import { graphqlSchema } from "../../src/graphql/schema.ts";
import { type OpenFace, openGraphqlFace } from "./open-face.ts";

let face: OpenFace;
before(async () => {
  face = await openGraphqlFace();
});
after(() => face[Symbol.asyncDispose]());

const times = (count: number, part: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => part(i)).join(" ");

const deep = (depth: number) => `${"{ models { model ".repeat(depth / 2)}{ name }${" } }".repeat(depth / 2)}`;

const tooComplex: Readonly<Record<string, string>> = {
  "a depth of 1,000": `{ ${"a { ".repeat(1_000)} b ${"} ".repeat(1_000)} }`,
  "a depth of 18 under braces that are few": deep(18),
  "10,000 aliases": `{ ${times(10_000, (i) => `a${i}: server { name }`)} }`,
  "101 aliases": `{ ${times(101, (i) => `a${i}: server { name }`)} }`,
  "10 MB": `{ server { name } } # ${"x".repeat(10_000_000)}`,
  "10,000 directives": `{ server { name ${times(10_000, () => "@skip(if: false)")} } }`,
  "51 directives": `{ server { name ${times(51, () => "@skip(if: false)")} } }`,
  "12,000 tokens": `{ server { ${times(12_000, () => "name")} } }`,
  "2,000 fields of one name, which validation compares in pairs": `{ server { ${times(2_000, () => "name")} } }`,
  "102 fields of one name": `{ server { ${times(102, () => "name")} } }`,
  "fields of one name inside fields of one name": `{ ${times(10, () => `server { ${times(11, () => "name")} }`)} }`,
  "the same by fragments": `{ ${times(51, () => "...a ...b")} } fragment a on Query { server { name } } fragment b on Query { server { version } }`,
  "lists within lists": `{ infer(model: "m", inputs: ${"[".repeat(500)}${"]".repeat(500)}) { id } }`,
  "types within types": `query ($x: ${"[".repeat(500)}Int${"]".repeat(500)}) { server { name } }`,
  "1,000 operations": times(1_000, (i) => `query q${i} { server { name } }`),
  // Each doubles the one before: 2^20 fields in 20 lines.
  "fragments that double": `{ ...f19 } ${times(20, (i) => `fragment f${i} on Query { ${i === 0 ? "server { name }" : `...f${i - 1} ...f${i - 1}`} }`)}`,
  "lists of the longest kind inside each other":
    "{ models(first: 1000) { model { metadata { properties { name } } statistics { rows } } } }",
};

describe("documents", () => {
  for (const [name, query] of Object.entries(tooComplex)) {
    test(`${name}: refused`, async () => {
      const { status, codes, text } = await face.ask(query);
      assert.deepEqual([status, codes], [400, ["QUERY_TOO_COMPLEX"]], text.slice(0, 300));
      assert.ok(text.length < 2_000);
    });
  }

  test("many fields that differ, and a few that repeat, are answered", async () => {
    const query = `{ ...a server { name version } ${times(90, (i) => `r${i}: server { name isReady }`)} }
      fragment a on Query { server { name } ... on Query { server { version } } }`;
    assert.deepEqual((await face.ask(query)).codes, []);
  });

  test("the size of a list counts when it is a variable, given or by default", async () => {
    const query =
      "query ($n: Int! = 1000) { models(first: $n) { model { metadata { properties { name } } } } }";
    assert.deepEqual((await face.ask(query)).codes, ["QUERY_TOO_COMPLEX"]);
    assert.deepEqual((await face.ask(query, { n: 1000 })).codes, ["QUERY_TOO_COMPLEX"]);
    assert.deepEqual((await face.ask(query, { n: 2 })).codes, []);
    const images = Array.from({ length: 10_001 }, () => ({ base64: "" }));
    const predict = `query ($images: [ImageInput!]!) { predict(model: "m", images: $images) { answers { width } } }`;
    assert.deepEqual((await face.ask(predict, { images })).codes, ["QUERY_TOO_COMPLEX"]);
  });

  test("every list of objects has its length in the table of costs", () => {
    const lacking = Object.values(graphqlSchema(openPolicy).getTypeMap())
      .filter((type) => isObjectType(type) && !type.name.startsWith("__"))
      .flatMap((type) =>
        isObjectType(type) ? Object.values(type.getFields()).map((field) => ({ type, field })) : [],
      )
      .filter(({ field }) => isListType(isNonNullType(field.type) ? field.type.ofType : field.type))
      .filter(({ field }) => isObjectType(getNamedType(field.type)))
      .filter(({ type, field }) => costTable.get(`${type.name}.${field.name}`)?.size === undefined)
      .map(({ type, field }) => `${type.name}.${field.name}`);
    assert.deepEqual(lacking, []);
  });

  test("fragments in a circle are told as what they are", async () => {
    for (const query of [
      "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }",
      "{ server { name } } fragment a on Query { server { ...b } } fragment b on Server { name ...b }",
    ]) {
      const { status, codes, messages } = await face.ask(query);
      assert.deepEqual([status, codes], [400, ["QUERY_INVALID"]]);
      assert.match(messages[0] ?? "", /spreads itself/);
    }
  });

  test("introspection is answered to tools, not without end, and not at all where it is off", async () => {
    const full = await face.ask(getIntrospectionQuery());
    assert.deepEqual([full.status, full.codes], [200, []]);
    const loop = `{ __schema { types { ${"fields { type { ".repeat(4)} name ${"} } ".repeat(4)} } } }`;
    assert.deepEqual((await face.ask(loop)).codes, ["QUERY_INVALID"]);
    await using closed = await openGraphqlFace({ introspection: false });
    assert.ok((await closed.ask(getIntrospectionQuery())).codes.every((code) => code === "QUERY_INVALID"));
    const wrong = await closed.ask("{ serve { name } }");
    assert.doesNotMatch(wrong.text, /server|Did you mean/, "no name is suggested");
    assert.match((await face.ask("{ serve { name } }")).text, /Did you mean/);
  });

  test("text of any kind is a document or is not, and the server goes on", async () => {
    const bombs = [
      "\u0000",
      "\ud800",
      "{ \u202e }",
      `{ ${"é".repeat(1_000)} }`,
      `{ "${"\\u".repeat(1_000)}" }`,
      '"""',
      "#",
    ];
    for (const query of bombs) {
      const { status, codes, text } = await face.ask(query);
      assert.deepEqual([status, codes[0]], [400, "QUERY_INVALID"], JSON.stringify(query.slice(0, 20)));
      assert.ok(text.length < 3_000);
    }
  });
});

describe("requests", () => {
  const sent = (body: string) =>
    face.send({
      method: "POST",
      body,
      headers: { "content-type": "application/json", accept: "application/graphql-response+json" },
    });

  test("what is no request is refused by name", async () => {
    const bodies = [
      "",
      "null",
      "7",
      '"{ server { name } }"',
      '[{"query":"{ server { name } }"}]',
      "{}",
      '{"query":7}',
      '{"query":"{ server { name } }","variables":[]}',
      '{"query":"{ server { name } }","operationName":{}}',
      '{"query":"{ server { name } }","__proto__":{"x":1}}',
      '{"query":"{ server { name } }","more":1}',
      `{"query":"{ server { name } }","variables":{"x":${"[".repeat(100_000)}${"]".repeat(100_000)}}}`,
    ];
    for (const body of bodies) {
      const { status, codes } = await sent(body);
      assert.deepEqual([status, codes], [400, ["REQUEST_INVALID"]], body.slice(0, 60));
    }
    // RFC 8259, section 4: the last of equal names is what most readers take.
    const twice = await sent('{"query":"{ nothing }","query":"{ server { name } }"}');
    assert.deepEqual(twice.data, { server: { name: "cupel" } });
  });

  test("names of prototypes are names like others", async () => {
    const { text } = await face.ask("{ __proto__: server { constructor: name } }");
    assert.equal(text, '{"data":{"__proto__":{"constructor":"cupel"}}}');
    const asked = await sent(
      '{"query":"query ($__proto__: String!) { model(name: $__proto__) { name } }","variables":{"__proto__":"m"}}',
    );
    assert.ok(asked.status === 200 || asked.codes[0] === "QUERY_INVALID", asked.text);
    assert.equal(Object.hasOwn(Object.prototype, "name"), false);
  });

  test("values of the wrong type are told shortly, however long and many they are", async () => {
    const query = 'query ($inputs: [TensorInput!]!) { infer(model: "echo", inputs: $inputs) { id } }';
    const long = "x".repeat(1_000_000);
    const wrong = [
      { inputs: long },
      { inputs: Array(10).fill(long) },
      {
        inputs: [
          Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`unknown${i}`, long.slice(0, 100_000)])),
        ],
      },
      { inputs: [{ name: {}, datatype: "FP32", shape: [1], data: [1] }] },
      { inputs: [{ name: "x", datatype: "FP99", shape: [1], data: [1] }] },
      { inputs: [{ name: "x", datatype: "FP32", shape: [2 ** 40], data: [1] }] },
      { inputs: [{ name: "x", datatype: "FP32", shape: [1], base64: "%" }] },
      { inputs: null },
      {},
    ];
    for (const variables of wrong) {
      const { status, codes, text } = await face.ask(query, variables);
      assert.deepEqual([status, codes[0]], [400, "QUERY_INVALID"], text.slice(0, 300));
      assert.ok(text.length < 70_000, `${text.length} characters`);
    }
    const unfit = [
      { data: [1], base64: "AAAAAA==" },
      {},
      { shape: [-1], data: [1] },
      { datatype: "INT64", data: [2 ** 53] },
      { datatype: "INT64", data: ["9223372036854775808"] },
      { datatype: "UINT8", data: [256] },
      { data: [[1]] },
      { data: [null] },
    ];
    for (const each of unfit) {
      const inputs = [{ name: "x", datatype: "FP32", shape: [1], ...each }];
      const { status, codes } = await face.ask(query, { inputs });
      assert.deepEqual([status, codes], [400, ["REQUEST_INVALID"]], JSON.stringify(each));
    }
  });

  test("a body over the limit is refused, and nobody without rights gets past the door", async () => {
    await using small = await openGraphqlFace({ bodyLimit: 1_000 });
    const large = await small.ask(`{ server { name } } #${"x".repeat(2_000)}`);
    assert.deepEqual([large.status, large.codes], [413, ["BODY_TOO_LARGE"]]);
    const policy = createPolicy([{ role: "reader", models: ["echo"], actions: ["metadata"] }]);
    await using closed = await openGraphqlFace({ policy, access: { policy } });
    const { status, codes } = await closed.ask("{ nothing that parses");
    assert.deepEqual([status, codes], [401, ["AUTH_REQUIRED"]]);
  });

  test("each run of an operation counts against the rate of its caller", async () => {
    const limits = {
      inFlight: null,
      perKey: { inFlight: null, rate: { perSecond: 0.001, burst: 3 } },
      defaultTimeoutMs: null,
      maxTimeoutMs: null,
    };
    await using limited = await openGraphqlFace({ access: { limits } });
    const run = `infer(model: "echo", inputs: []) { id }`;
    const { status, codes } = await limited.ask(`{ ${times(5, (i) => `r${i}: ${run}`)} }`);
    assert.deepEqual([status, [...new Set(codes)]], [429, ["RATE_LIMIT"]]);
    assert.equal(limited.service.requests.length, 3);
  });
});

test("a query that is given up stops: no resolver begins any more, and those that run are told at once", async (t) => {
  await using own = await openGraphqlFace({ concurrency: 4 });
  const { service } = own;
  const leaver = new AbortController();
  const query = `{ ${times(20, (i) => `r${i}: infer(model: "wait", inputs: []) { id }`)} }`;
  const gone = assert.rejects(
    fetch(own.url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query }),
      signal: leaver.signal,
    }),
  );
  while (service.waiting < 4) await turn();
  const fired = Promise.all(service.calls.map(({ signal }) => once(signal, "abort")));
  const start = performance.now();
  leaver.abort();
  await fired;
  t.diagnostic(
    `${(performance.now() - start).toFixed(1)} ms from the client's leaving to the signals of its runs`,
  );
  await gone;
  for (let i = 0; i < 20; i++) await turn();
  assert.equal(service.waiting, 0);
  assert.equal(service.requests.length, 4, "of twenty, those that had begun");
  assert.equal((await own.ask("{ server { name } }")).status, 200);
});

test("a deadline ends an operation with its status, and what waits never begins", async () => {
  await using own = await openGraphqlFace({ concurrency: 2 });
  const query = `{ ${times(6, (i) => `r${i}: infer(model: "wait", inputs: []) { id }`)} }`;
  const { status, codes } = await own.ask(query, {}, { "cupel-timeout-ms": "40" });
  assert.deepEqual([status, [...new Set(codes)]], [504, ["DEADLINE_EXCEEDED"]]);
  assert.equal(own.service.requests.length, 2);
});

test("a long list leaves the loop its turns", async () => {
  const entries = Array.from(
    { length: 1_000 },
    (_, i) => ({ name: `m${i}`, version: "1", state: "READY", reason: "" }) as const,
  );
  let turns = 0;
  let isOver = false;
  await using own = await openGraphqlFace({ over: { repositoryIndex: () => entries } });
  const counting = (async () => {
    for (; !isOver; turns++) await turn();
  })();
  const { data } = await own.ask(
    "{ models(first: 1000) { name version state reason model { name version } } }",
  );
  isOver = true;
  await counting;
  assert.equal((data as { models: unknown[] }).models.length, 1_000);
  assert.ok(turns > 0);
});
