/** Calls the peers that compress further, in Python, on exactly the tensors that Cupel would feed. */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { ImageTensors } from "./static-quantiser.ts";

/** Rows of `peers` in compress_further.py. */
export type PeerName = "onnxruntime" | "nncf" | "nncf-accuracy" | "torch";

/** The package whose absence makes a peer absent. */
export const packageOf: Readonly<Record<PeerName, string>> = {
  onnxruntime: "onnxruntime",
  nncf: "nncf",
  "nncf-accuracy": "nncf",
  torch: "torch_pruning",
};

export interface PeerTask {
  /** Path of the float model. */
  readonly model: string;
  /** Path to write. */
  readonly output: string;
  readonly calibration: ImageTensors;
  /** What an accuracy control may choose by. */
  readonly selection: ImageTensors & { readonly labels: readonly number[] };
  readonly training: ImageTensors;
  readonly seed: number;
  readonly threads: number;
  readonly epochs: number;
  /** Sums of 8-bit products can overflow on this processor, so weights keep to 7 bits. */
  readonly reduceRange: boolean;
  /** What this peer alone reads. */
  readonly options: Readonly<Record<string, string | number>>;
}

export interface PeerResult {
  /** Of the work, without the start of Python and the import of packages. */
  readonly seconds: number;
  readonly processorSeconds: number;
  /** Versions by name. */
  readonly packages: Readonly<Record<string, string>>;
}

/** Those of the packages that this interpreter has. */
export async function packagesOf(python: string, names: readonly string[]): Promise<ReadonlySet<string>> {
  const code = "import sys,importlib.util as u; print(*[n for n in sys.argv[1:] if u.find_spec(n)])";
  const { stdout } = await promisify(execFile)(python, ["-c", code, ...names]);
  return new Set(stdout.trim().split(" "));
}

/** Writes `task.output`. Rejects with what Python said last. */
export async function compressByPeer(
  python: string,
  peer: PeerName,
  task: PeerTask,
  signal: AbortSignal,
): Promise<PeerResult> {
  const path = `${task.output}.task.json`;
  await writeFile(path, JSON.stringify(task));
  const script = fileURLToPath(new URL("further/compress_further.py", import.meta.url));
  const env = { ...process.env, OMP_NUM_THREADS: String(task.threads), PYTHONDONTWRITEBYTECODE: "1" };
  const options = { signal, maxBuffer: 2 ** 26, env };
  const { stdout } = await promisify(execFile)(python, [script, peer, path], options);
  return JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
}
