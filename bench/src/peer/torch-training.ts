/** PyTorch training the same network in a process of its own, a few steps whenever asked. */
import { execFile, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export interface TorchTask {
  readonly depth: 18 | 50;
  readonly width: number;
  readonly channels: number;
  readonly classes: number;
  /** Pixels along a side. */
  readonly size: number;
  readonly batch: number;
  /** A 3x3 stem without pooling. */
  readonly cifar: boolean;
  readonly threads: number;
  /** Through `torch.compile`. */
  readonly compiled: boolean;
}

export interface TorchTraining extends Disposable {
  readonly parameters: number;
  /** Milliseconds of each step. */
  steps(count: number): Promise<readonly number[]>;
}

/** The version of PyTorch; null when this interpreter has none. */
export async function torchVersion(python: string): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)(python, ["-c", "import torch; print(torch.__version__)"]);
    return stdout.trim();
  } catch {
    return null;
  }
}

/** Starts it and waits for its first step; compiling takes a minute or two. Rejects with what it said last. */
export async function openTorchTraining(python: string, task: TorchTask): Promise<TorchTraining> {
  const script = fileURLToPath(new URL("torch_training.py", import.meta.url));
  const child = spawn(python, [script, JSON.stringify(task)], { stdio: ["pipe", "pipe", "pipe"] });
  let complaints = "";
  child.stderr.on("data", (chunk) => {
    complaints = `${complaints}${chunk}`.slice(-2000);
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`PyTorch ended: ${complaints}`);
    return JSON.parse(value);
  };
  const ready: { parameters: number } = await answer();
  return {
    parameters: ready.parameters,
    async steps(count) {
      child.stdin.write(`${count}\n`);
      const { ms }: { ms: number[] } = await answer();
      return ms;
    },
    [Symbol.dispose]: () => void child.kill(),
  };
}
