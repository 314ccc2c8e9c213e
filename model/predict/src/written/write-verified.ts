/**
 * A model file that takes its name only when it has been tried: it is written into a folder beside that name,
 * so that external weights keep their relative path and the last step is a rename. One that is refused is kept
 * under another name, for whoever must find out why; what had the name before is not touched.
 */
import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import {
  assertWritable,
  CupelError,
  errorFrom,
  reasonOf,
  temporaryBeside,
  throwIfCancelled,
  writeError,
} from "@cupel/base";
import { type Model, type WriteOptions, type WrittenModel, writeModelFile } from "@cupel/onnx";

/** @typeParam Verdict what `verify` has to say of the file */
export interface VerifiedModel<Verdict> extends WrittenModel {
  readonly verdict: Verdict;
}

/**
 * @param verify is given the path of the whole file, which will change. What it throws refuses the file, which is
 * then kept as `NAME.failed.onnx` beside `out` and named in the error; one whose work was cancelled is removed.
 * @throws what `verify` throws, DISK_FULL, WRITE_FAILED, CANCELLED
 */
export async function writeVerified<Verdict>(
  model: Model,
  out: string,
  verify: (path: string) => Promise<Verdict>,
  options: WriteOptions = {},
): Promise<VerifiedModel<Verdict>> {
  const { signal } = options;
  await assertWritable([out]);
  const folder = temporaryBeside(out);
  try {
    const written = await writeModelFile(model, join(folder, basename(out)), options);
    const verdict = await verify(written.path).catch(async (thrown: unknown) => {
      const error = errorFrom(thrown, signal);
      if (signal?.aborted || error.code === "CANCELLED" || error.code === "DEADLINE_EXCEEDED") throw error;
      throw await refused(error, written, out);
    });
    throwIfCancelled(signal, `Writing ${out}`);
    if (written.dataPath !== null) await move(written.dataPath, beside(out, written.dataPath));
    await move(written.path, out);
    const dataPath = written.dataPath && beside(out, written.dataPath);
    return { path: out, dataPath, bytes: written.bytes, verdict };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const beside = (path: string, other: string): string => join(dirname(path), basename(other));

async function move(from: string, to: string): Promise<void> {
  await rename(from, to).catch((thrown: unknown) => {
    throw writeError(to, thrown);
  });
}

/** Keeps the file under a name that nothing has. @returns the error that names it. */
async function refused(
  error: CupelError,
  { path, dataPath }: WrittenModel,
  out: string,
): Promise<CupelError> {
  const aside = freeName(out);
  let weights: string | null = null;
  const kept = async (): Promise<string> => {
    // Weights are named by their contents: those that are there belong to a model that must stay as it is.
    if (dataPath !== null && !existsSync(beside(out, dataPath))) {
      await move(dataPath, beside(out, dataPath));
      weights = beside(out, dataPath);
    }
    await move(path, aside);
    return `It is kept as ${aside}`;
  };
  const fate = await kept().catch((thrown: unknown) => `It could not be kept (${reasonOf(thrown)})`);
  return new CupelError(error.code, error.spec, `${error.message} ${fate}; ${out} is as it was.`, {
    cause: error,
    details: { ...error.details, path: aside, ...(weights === null ? {} : { dataPath: weights }), out },
  });
}

function freeName(out: string): string {
  const stem = join(dirname(out), basename(out, extname(out)));
  for (let number = 1; ; number++) {
    const name = `${stem}.failed${number === 1 ? "" : `-${number}`}${extname(out)}`;
    if (!existsSync(name)) return name;
  }
}
