/** Frames and blocks, without a socket: however the bytes are cut they read the same, and what is none is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { AnswerReader, blockFrame } from "../../../client/src/websocket/frame.ts";
import { FrameReader, frame } from "../../src/websocket/frame.ts";
import { readHeaderBlock, writeHeaderBlock } from "../../src/websocket/header-block.ts";
import { Inbox } from "../../src/websocket/inbox.ts";
import { isOriginAllowed } from "../../src/websocket/origin.ts";
import { framed } from "./open-socket.ts";

const sent = fc.record({
  block: fc.uint8Array({ maxLength: 40 }),
  messages: fc.array(fc.tuple(fc.constantFrom(0, 1), fc.uint8Array({ maxLength: 60 })), { maxLength: 5 }),
  isEnded: fc.boolean(),
  cuts: fc.array(fc.nat(500), { maxLength: 30 }),
});

function pieces(bytes: Buffer<ArrayBuffer>, cuts: readonly number[]): Uint8Array<ArrayBuffer>[] {
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, i) => Uint8Array.from(bytes.subarray(at[i], end)));
}

test("what a client sends reads the same however it is cut, and nothing is held back but a part of a prefix", () => {
  fc.assert(
    fc.property(sent, ({ block, messages, isEnded, cuts }) => {
      const body = Buffer.concat(messages.map(([flags, payload]) => framed(flags, payload)));
      const whole = Buffer.concat([framed(0x80, block), body, ...(isEnded ? [framed(0x80)] : [])]);
      const reader = new FrameReader(40);
      const parts = pieces(whole, cuts).flatMap((piece) => [...reader.read(piece)]);
      assert.equal(parts[0]?.kind, "headers");
      assert.deepEqual(parts[0].kind === "headers" && Buffer.from(parts[0].block), Buffer.from(block));
      const bytes = parts.flatMap((part) => (part.kind === "bytes" ? [part.bytes] : []));
      assert.deepEqual(Buffer.concat(bytes), body);
      assert.equal(parts.filter(({ kind }) => kind === "end").length, isEnded ? 1 : 0);
    }),
  );
});

test("what a server sends reads the same however it is cut", () => {
  fc.assert(
    fc.property(sent, ({ messages, cuts }) => {
      const body = Buffer.concat(messages.map(([flags, payload]) => frame(flags, payload)));
      const header = writeHeaderBlock(new Headers({ "content-type": "application/grpc+json" }));
      const trailer = writeHeaderBlock(new Headers({ "grpc-status": "0", "x-more": "a, b" }));
      const reader = new AnswerReader();
      const whole = Buffer.concat([frame(0x80, header), body, frame(0x80, trailer)]);
      const parts = pieces(whole, cuts).flatMap((piece) => [...reader.read(piece)]);
      const blocks = parts.filter((part) => part instanceof Headers).map((block) => [...block]);
      const bytes = parts.filter((part) => part instanceof Uint8Array);
      assert.deepEqual(blocks, [
        [["content-type", "application/grpc+json"]],
        [
          ["grpc-status", "0"],
          ["x-more", "a, b"],
        ],
      ]);
      assert.deepEqual(Buffer.concat(bytes), body);
    }),
  );
});

test("frames in an order that means nothing, and blocks that are too large, are refused at their first bytes", () => {
  const head = framed(0x80);
  const cases: readonly (readonly [string, readonly Buffer[], string])[] = [
    ["a message first", [framed(0, "x")], "REQUEST_INVALID"],
    ["flags that mean nothing", [head, framed(0x02)], "REQUEST_INVALID"],
    ["flags of a block and more", [framed(0x81)], "REQUEST_INVALID"],
    ["trailers of a client", [head, framed(0x80, "a: b\r\n")], "REQUEST_INVALID"],
    ["something after the end", [head, head, framed(0, "x")], "REQUEST_INVALID"],
    ["a block of 4 GiB", [Buffer.from([0x80, 0xff, 0xff, 0xff, 0xff])], "BODY_TOO_LARGE"],
    ["a block over the limit", [framed(0x80, "a".repeat(101)).subarray(0, 5)], "BODY_TOO_LARGE"],
  ];
  for (const [name, parts, code] of cases) {
    const reader = new FrameReader(100);
    assert.throws(() => parts.flatMap((part) => [...reader.read(part)]), { code }, name);
  }
  const message = new FrameReader(100);
  const long = Buffer.concat([head, Buffer.from([0, 0xff, 0xff, 0xff, 0xff])]);
  assert.equal([...message.read(long)].length, 2, "the length of a message is for its reader to judge");
});

test("lines of headers: repeated names are joined, what is no metadata is refused", () => {
  const read = (text: string) => [...readHeaderBlock(Buffer.from(text, "latin1"), 3)];
  assert.deepEqual(read(""), []);
  assert.deepEqual(read("a: b\r\nA-bin: AA==\r\n".toLowerCase()), [
    ["a", "b"],
    ["a-bin", "aa=="],
  ]);
  assert.deepEqual(read("a:b \r\na:  c:d\r\n"), [["a", "b, c:d"]]);
  const wrong = [
    "a: b",
    "a: b\n",
    "A: b\r\n",
    "a : b\r\n",
    ": b\r\n",
    "a\r\n",
    "a: b\0\r\n",
    "a: é\r\n",
    "\r\n",
    "a: b\r\n\r\n",
    " a: b\r\n",
    "a: b\rc: d\r\n",
    "a:1\r\n".repeat(4),
  ];
  for (const text of wrong)
    assert.throws(() => read(text), { code: "REQUEST_INVALID" }, JSON.stringify(text));
  const client = Buffer.from(blockFrame(new Headers({ "x-api-key": "k", "grpc-timeout": "5m" })).subarray(5));
  assert.deepEqual(read(String(client)), [
    ["grpc-timeout", "5m"],
    ["x-api-key", "k"],
  ]);
});

test("the inbox stops the socket when it is full, one byte at a time too, and lets it go on when half is read", async () => {
  const flow: string[] = [];
  const inbox = new Inbox(10_000, { pause: () => flow.push("pause"), resume: () => flow.push("resume") });
  let pushed = 0;
  while (flow.length === 0) {
    inbox.push(Uint8Array.of(pushed % 256));
    pushed++;
  }
  assert.ok(pushed < 50, "each takes memory of its own");
  const reader = inbox[Symbol.asyncIterator]();
  for (let i = 0; i < pushed / 2 - 2; i++) assert.equal((await reader.next()).value?.[0], i);
  assert.deepEqual(flow, ["pause"]);
  for (let i = 0; i < 3; i++) await reader.next();
  assert.deepEqual(flow, ["pause", "resume"]);
  await reader.return?.();
  inbox.push(new Uint8Array(100_000));
  assert.deepEqual(flow, ["pause", "resume"], "nobody reads: what comes is dropped and read on");

  const failing = new Inbox(10, { pause() {}, resume: () => flow.push("resume") });
  failing.push(new Uint8Array(11));
  const waiting = new Inbox(10, { pause() {}, resume() {} });
  const read = waiting[Symbol.asyncIterator]().next();
  failing.fail(new Error("gone"));
  waiting.fail(new Error("gone"));
  await assert.rejects(failing[Symbol.asyncIterator]().next(), /gone/);
  await assert.rejects(read, /gone/);
  assert.equal(flow.at(-1), "resume");
  const ended = new Inbox(10, { pause() {}, resume() {} });
  const next = ended[Symbol.asyncIterator]().next();
  await turn();
  ended.end();
  assert.deepEqual(await next, { done: true, value: undefined });
});

test("the server's own pages may open a socket, and those of origins that CORS names", () => {
  const policy = { origins: ["https://app.example"], maxAgeSeconds: 1 };
  const allowed = (
    origin: string | undefined,
    host: string | undefined,
    isEncrypted = false,
    origins = policy.origins,
  ) => isOriginAllowed({ origin, host, isEncrypted }, { ...policy, origins });
  const cases: readonly (readonly [boolean, ...Parameters<typeof allowed>])[] = [
    [true, undefined, "h:8080"],
    [true, "https://app.example", "h:8080"],
    [false, "https://app.example:444", "h:8080"],
    [false, "http://app.example", "h:8080"],
    [false, "https://app.example.evil", "h:8080"],
    [true, "http://h:8080", "h:8080"],
    [true, "http://H:8080", "h:8080"],
    [false, "http://h:8081", "h:8080"],
    [true, "https://h", "h:443", true],
    [true, "https://h", "h", true],
    [false, "http://h:8443", "h:8443", true],
    // Behind a proxy that ends TLS the server is asked in cleartext.
    [true, "https://h", "h"],
    [false, "null", "h:8080"],
    [false, "", "h:8080"],
    [false, "file://", "h:8080"],
    [false, "http://[", "h:8080"],
    [false, "http://h", undefined],
    [false, "http://h", "["],
    [true, "null", "h:8080", false, ["*"]],
  ];
  for (const [expected, ...question] of cases)
    assert.equal(allowed(...question), expected, question.join(" "));
});
