/** The server that every behaviour is tried on: tiny models, keys, small limits. */
import { hash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openTemporaryFolder, writeFileAtomically } from "@cupel/base";
import { parseConfig, startServer } from "@cupel/serve";
import { brightness, identity, scaler, slow } from "../support/tiny-models.ts";

export interface BehaviourServer extends AsyncDisposable {
  readonly port: number;
  readonly keys: Readonly<Record<"operator" | "reader" | "hasty", string>>;
  /** Puts a file into the folder of models, whole. */
  write(model: string, bytes: Uint8Array): Promise<void>;
  /** Requests that wait for a run now. */
  queued(model: string): Promise<number>;
  /** Requests for it that were answered with the code so far. */
  answered(model: string, code: string): Promise<number>;
  cacheHits(model: string): Promise<number>;
}

const keys = { operator: "key-of-operator", reader: "key-of-reader", hasty: "key-of-hasty" };

const keyRow = (name: keyof typeof keys, roles: readonly string[], more: object = {}) => ({
  name,
  sha256: hash("sha256", keys[name], "hex"),
  roles,
  ...more,
});

/** Everything but the folder of the models. */
const settings = {
  listen: { port: 0 },
  repository: { mode: "explicit" },
  engine: { threads: 1, trial: false },
  limits: { bodyLimit: 4_000_000 },
  cache: { negativeTtlMs: 0 },
  models: [
    { model: "cached", cache: { enabled: true } },
    { model: "slow", batching: { maxRows: 1, maxQueued: 3 } },
  ],
  access: {
    keys: [
      keyRow("operator", ["operator"]),
      keyRow("reader", ["reader"]),
      keyRow("hasty", ["operator"], { rate: { perSecond: 1, burst: 3 } }),
    ],
    grants: [
      { role: "operator", actions: ["*"] },
      { role: "reader", models: ["scaler"], actions: ["infer", "metadata"] },
    ],
  },
  logging: { level: "silent" },
};

export async function startBehaviourServer(): Promise<BehaviourServer> {
  await using opening = new AsyncDisposableStack();
  const folder = opening.use(await openTemporaryFolder("behaviour"));
  const fileOf = (model: string) => join(folder.path, `${model}.onnx`);
  const models = {
    scaler: scaler(2),
    cached: scaler(3),
    reloaded: scaler(4),
    identity: identity("int64"),
    brightness: brightness(),
    // Many small products: sending the matrix takes little of the time that a run takes.
    slow: slow(9000, 64),
  };
  for (const [model, bytes] of Object.entries(models)) await writeFile(fileOf(model), bytes);
  const { config } = parseConfig({
    file: { path: join(folder.path, "serve.json"), text: JSON.stringify(settings) },
    flags: { "repository.path": folder.path },
  });
  const server = opening.use(await startServer(config));
  const closing = opening.move();
  const metric = async (name: string, ...labels: readonly string[]): Promise<number> => {
    const lines = (await server.metricsText()).split("\n");
    const found = lines.filter(
      (line) => line.startsWith(`${name}{`) && labels.every((label) => line.includes(label)),
    );
    return found.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
  };
  return {
    port: server.port,
    keys,
    write: async (model, bytes) => void (await writeFileAtomically(fileOf(model), [bytes])),
    queued: (model) => metric("cupel_queued_requests", `model="${model}"`),
    answered: (model, code) => metric("cupel_requests_total", `model="${model}"`, `code="${code}"`),
    cacheHits: (model) => metric("cupel_cache_total", `model="${model}"`, 'outcome="hit"'),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}
