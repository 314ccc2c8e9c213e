/** Images over REST: as bodies, as pixels, in JSON; answers as JSON or as the picture. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ImageAnswer, PredictRequest } from "@cupel/serve";
import { echo, serve } from "./support.ts";

const picture = Buffer.from([137, 80, 78, 71]);
const told = { index: 1, name: "bright", score: 0.75 };

function fake(over: Partial<ImageAnswer> = {}) {
  const asked: PredictRequest[] = [];
  const service = echo({
    async predict(request) {
      asked.push(request);
      const answer: ImageAnswer = {
        width: 8,
        height: 4,
        classes: [told],
        boxes: [{ ...told, left: 1, top: 2, right: 3.5, bottom: 4 }],
        mask: { png: picture, classes: [told] },
        drawing: request.draw ? picture : undefined,
        ...over,
      };
      const answers = request.images.map(() => answer);
      return { model: request.model, version: "1", id: request.id, task: "classification", answers };
    },
  });
  return { asked, service };
}

async function post(
  url: string,
  query: string,
  init: { headers?: Record<string, string>; body: Uint8Array<ArrayBuffer> },
) {
  return fetch(`${url}/v2/models/echo/predict${query}`, { method: "POST", ...init });
}

test("an image is the body, options are in the query, the answer is JSON", async () => {
  const { asked, service } = fake();
  await using served = await serve({ service });
  const headers = { "content-type": "image/jpeg" };
  const query = "?top=2&threshold=0.5&windows=true&draw=false";
  const answer = await post(served.url, query, { headers, body: picture });
  assert.equal(answer.status, 200);
  const [request] = asked;
  assert.deepEqual(request && { ...request, images: undefined }, {
    model: "echo",
    version: undefined,
    top: 2,
    threshold: 0.5,
    windows: true,
    draw: false,
    images: undefined,
  });
  assert.deepEqual(
    request?.images.map(({ kind, bytes }) => [kind, Buffer.from(bytes)]),
    [["encoded", picture]],
  );
  assert.deepEqual(await answer.json(), {
    model_name: "echo",
    model_version: "1",
    task: "classification",
    answers: [
      {
        width: 8,
        height: 4,
        classes: [told],
        boxes: [{ ...told, left: 1, top: 2, right: 3.5, bottom: 4 }],
        mask: { png: picture.toString("base64"), classes: [told] },
      },
    ],
  });
});

test("bare pixels say their format and size; JSON carries many images", async () => {
  const { asked, service } = fake();
  await using served = await serve({ service });
  const raw = { headers: { "content-type": "application/octet-stream" }, body: Buffer.alloc(12) };
  assert.equal((await post(served.url, "?format=nv12&width=4&height=2", raw)).status, 200);
  assert.equal((await post(served.url, "", raw)).status, 400);
  const images = [{ data: picture.toString("base64") }, { data: "AAAA", format: "rgb", width: 1, height: 1 }];
  const body = JSON.stringify({ id: "a", top: 3, images });
  assert.equal((await post(served.url, "?top=1", { body: Buffer.from(body) })).status, 200);
  assert.deepEqual(
    asked.map(({ id, top, images }) => [id, top, images.map(({ bytes, ...rest }) => [bytes.length, rest])]),
    [
      [undefined, undefined, [[12, { kind: "nv12", width: 4, height: 2 }]]],
      [
        "a",
        3,
        [
          [4, { kind: "encoded" }],
          [3, { kind: "rgb", width: 1, height: 1 }],
        ],
      ],
    ],
  );
});

test("a client that would rather have a picture gets the drawing", async () => {
  const { service } = fake();
  await using served = await serve({ service });
  const headers = { "content-type": "image/png", accept: "image/png, application/json;q=0.5" };
  const answer = await post(served.url, "", { headers, body: picture });
  assert.equal(answer.headers.get("content-type"), "image/png");
  assert.deepEqual(Buffer.from(await answer.arrayBuffer()), picture);
  const { service: without } = fake({ drawing: undefined });
  await using other = await serve({ service: without });
  assert.equal((await post(other.url, "", { headers, body: picture })).status, 406);
});

test("what is no image request is refused by name", async () => {
  const { service } = fake({ values: [1, Number.NaN] });
  await using served = await serve({ service });
  const image = { "content-type": "image/png" };
  const cases: readonly (readonly [string, Record<string, string>, string, number])[] = [
    ["", { "content-type": "text/plain" }, "x", 415],
    ["", {}, "{}", 400],
    ["", {}, '{"images":[{"data":"%"}]}', 400],
    ["", {}, '{"images":[{"data":"AAAA","format":"rgb"}]}', 400],
    ["?top=0", image, "x", 400],
    ["?threshold=much", image, "x", 400],
    ["?draw=maybe", image, "x", 400],
    ["", image, "x", 406],
  ];
  for (const [query, headers, body, status] of cases) {
    const answer = await post(served.url, query, { headers, body: Buffer.from(body) });
    assert.equal(answer.status, status, `${query} ${body}`);
    assert.equal(answer.headers.get("content-type"), "application/problem+json");
  }
});
