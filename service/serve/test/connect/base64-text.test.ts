/** The text mode of gRPC-Web by bytes: Node's own base64 is the reference. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ConnectError } from "@connectrpc/connect";
import { decodeBase64, encodeBase64, wantsText } from "../../src/connect/base64-text.ts";

async function* each(chunks: readonly (string | Uint8Array)[]): AsyncIterable<Uint8Array> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

async function decoded(chunks: readonly string[]): Promise<Buffer> {
  return Buffer.concat(await collected(decodeBase64(each(chunks))));
}

async function collected(bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const chunk of bytes) all.push(chunk);
  return all;
}

test("pieces of base64, each padded for itself, are read however they are cut", async () => {
  const parts = [1, 2, 3, 4, 5, 7, 64].map((length) => Buffer.alloc(length, length * 37));
  const text = parts.map((part) => part.toString("base64")).join("");
  const whole = Buffer.concat(parts);
  for (let at = 0; at <= text.length; at++)
    assert.deepEqual(await decoded([text.slice(0, at), text.slice(at)]), whole, `cut at ${at}`);
  assert.deepEqual(await decoded([...text]), whole);
  assert.deepEqual(await decoded([]), Buffer.alloc(0));
});

test("what is no base64 is refused, and says why", async () => {
  const bad = [
    ["AAA", /ends 1 characters early/],
    ["AAAAA", /ends 3 characters early/],
    ["AA=A", /padding/],
    ["=AAA", /padding/],
    ["A===", /padding/],
    ["AA-_", /characters/],
    ["AA\nA", /characters/],
    ["é!é!", /characters/],
  ] as const;
  for (const [text, reason] of bad) {
    await assert.rejects(decoded([text]), (error: unknown) => {
      assert.ok(error instanceof ConnectError);
      assert.match(error.rawMessage, reason, text);
      return error.code === 3;
    });
  }
});

test("each frame is a piece of its own, and Accept goes before the type of the request", async () => {
  const frames = [Buffer.from([0, 0, 0, 0, 1, 7]), Buffer.from("trailers")];
  const written = await collected(encodeBase64(each(frames)));
  assert.deepEqual(
    written.map((piece) => Buffer.from(Buffer.from(piece).toString("latin1"), "base64")),
    frames,
  );
  assert.equal(wantsText(null, true), true);
  assert.equal(wantsText("*/*", false), false);
  assert.equal(wantsText("text/html, application/grpc-web-text", false), true);
  assert.equal(wantsText("application/grpc-web+proto", true), false);
});
