/** Several processes have the same models: whoever is asked to load or unload, all do it, and later ones come up so. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import type { Socket } from "node:net";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { openTemporaryFolder } from "@cupel/base";
import { longWithProc, ServedCommand, withoutProc } from "../support/served-command.ts";
import { scaler } from "../support/tiny-models.ts";

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

async function post(port: number, path: string, body: object, socket?: Socket): Promise<Answer> {
  const sent = request({
    port,
    path,
    method: "POST",
    // A connection that is given is used only where no agent is.
    ...(socket === undefined ? { agent: false } : { createConnection: () => socket }),
  });
  sent.end(JSON.stringify(body));
  const [response] = await once(sent, "response");
  const told = await text(response);
  return { status: response.statusCode, body: told === "" ? {} : JSON.parse(told) };
}

const change = (port: number, model: string, what: "load" | "unload", socket?: Socket) =>
  post(port, `/v2/repository/models/${model}/${what}`, {}, socket);

/** By process: the factor of the scaler that answers there, or the code of the refusal. */
async function serving(command: ServedCommand, port: number, model: string): Promise<readonly unknown[]> {
  const sockets = await command.connectToEach(port);
  const inputs = [{ name: "x", datatype: "FP32", shape: [1, 3], data: [1, 1, 1] }];
  const answers = [...sockets.values()].map(async (socket) => {
    const { status, body } = await post(port, `/v2/models/${model}/infer`, { inputs }, socket);
    const [output] = status === 200 ? (body.outputs as { data: number[] }[]) : [];
    return output?.data[0] ?? body.code;
  });
  return await Promise.all(answers);
}

async function opened(mode: "poll" | "explicit", pollMs = 100) {
  await using opening = new AsyncDisposableStack();
  const folder = opening.use(await openTemporaryFolder("same"));
  const temporary = opening.use(await openTemporaryFolder("same-own"));
  const put = async (name: string, content: Uint8Array | string) => {
    await mkdir(dirname(join(folder.path, name)), { recursive: true });
    await writeFile(join(folder.path, name), content);
  };
  for (const [name, factor] of [
    ["a", 1],
    ["b", 2],
  ] as const)
    await put(`${name}.onnx`, scaler(factor));
  const settings = {
    "repository.mode": mode,
    "repository.pollMs": pollMs,
    "engine.trial": false,
    "engine.threads": 1,
  };
  const words = Object.entries(settings).flatMap(([name, value]) => ["--set", `${name}=${value}`]);
  const command = opening.use(
    new ServedCommand([folder.path, "--port", "0", "--processes", "2", ...words], temporary.path),
  );
  const port = await command.port();
  const closing = opening.move();
  let deaths = 0;
  return {
    command,
    port,
    temporary: temporary.path,
    put,
    remove: (name: string) => rm(join(folder.path, name), { recursive: true }),
    /** Kills one of them, and waits for the next to serve. */
    async replaceOne(): Promise<void> {
      const [, second = 0] = await command.workers();
      process.kill(second, "SIGKILL");
      await command.wrote(/serves in place of one that ended/, ++deaths);
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

const options = { skip: withoutProc, timeout: 180_000 };
const long = { skip: longWithProc, timeout: 180_000 };

test("explicit mode", options, async (context) => {
  await using server = await opened("explicit");
  const { command, port, put, temporary } = server;

  await context.test(
    "where it fails in one process only, the answer says in which; asked again it succeeds",
    async () => {
      const [, second = 0] = await command.workers();
      await put("e.onnx", scaler(3));
      // Where its copies of models are.
      const own = (await readdir(temporary)).find((name) => name.split("-").at(-3) === String(second));
      assert.ok(own !== undefined);
      await rename(join(temporary, own), join(temporary, "away"));
      const { status, body } = await change(port, "e", "load");
      assert.equal(status, 503);
      assert.equal(body.code, "PROCESSES_DIFFER");
      assert.equal(body.failed, String(second));
      assert.equal(body.processes, 2);
      await rename(join(temporary, "away"), join(temporary, own));
      assert.equal((await change(port, "e", "load")).status, 200);
      assert.deepEqual(await serving(command, port, "e"), [3, 3]);
    },
  );

  await context.test(
    "what one process is asked, all do; a later one has the bytes of the others",
    async () => {
      assert.equal((await change(port, "b", "unload")).status, 200);
      assert.deepEqual(await serving(command, port, "b"), ["MODEL_NOT_READY", "MODEL_NOT_READY"]);
      await put("c/1/model.onnx", scaler(3));
      assert.equal((await change(port, "c", "load")).status, 200);
      assert.deepEqual(await serving(command, port, "c"), [3, 3]);

      // Nobody asked for these: they are not loaded, by the later process neither.
      await put("a.onnx", scaler(10));
      await put("b.onnx", scaler(20));
      await put("d.onnx", scaler(4));
      await server.remove("c");
      await server.replaceOne();
      assert.deepEqual(await serving(command, port, "a"), [1, 1]);
      assert.deepEqual(await serving(command, port, "b"), ["MODEL_NOT_READY", "MODEL_NOT_READY"]);
      assert.deepEqual(await serving(command, port, "c"), [3, 3]);
      assert.deepEqual(await serving(command, port, "d"), ["MODEL_UNKNOWN", "MODEL_UNKNOWN"]);

      assert.equal((await change(port, "a", "load")).status, 200);
      assert.deepEqual(await serving(command, port, "a"), [10, 10]);
      assert.equal((await change(port, "b", "load")).status, 200);
      assert.deepEqual(await serving(command, port, "b"), [20, 20]);

      // What fails in all is refused as by one process, and nothing changes.
      await put("a.onnx", "no model");
      const refused = await change(port, "a", "load");
      assert.equal(refused.body.code, "MODEL_NOT_PROTOBUF", JSON.stringify(refused));
      assert.deepEqual(await serving(command, port, "a"), [10, 10]);
      assert.equal((await change(port, "none", "unload")).body.code, "MODEL_UNKNOWN");
    },
  );
});

test(
  "poll mode: unloaded stays unloaded in a later process, broken bytes do not keep it from serving the good ones",
  long,
  async () => {
    await using server = await opened("poll");
    const { command, port, put } = server;
    assert.equal((await change(port, "b", "unload")).status, 200);
    await put("a.onnx", "no model");
    await command.wrote(/Version 1 of the model \\"a\\" was not loaded/, 2);
    await server.replaceOne();
    assert.deepEqual(await serving(command, port, "a"), [1, 1]);
    assert.deepEqual(await serving(command, port, "b"), ["MODEL_NOT_READY", "MODEL_NOT_READY"]);
    await put("b.onnx", scaler(5));
    await command.wrote(/Version 1 of the model \\"b\\" is in service/, 4);
    assert.deepEqual(await serving(command, port, "b"), [5, 5]);
  },
);

test("a process that dies while it loads holds up no answer, and the next has the model", long, async () => {
  await using server = await opened("explicit");
  const { command, port, put } = server;
  const [first = 0, second = 0] = await command.workers();
  const sockets = await command.connectToEach(port);
  sockets.get(second)?.destroy();
  await put("c.onnx", scaler(3));
  process.kill(second, "SIGSTOP");
  const answer = change(port, "c", "load", sockets.get(first));
  await command.wrote(/Version 1 of the model \\"c\\" is in service/);
  process.kill(second, "SIGKILL");
  assert.equal((await answer).status, 200);
  await command.wrote(/serves in place of one that ended/);
  assert.deepEqual(await serving(command, port, "c"), [3, 3]);
});
