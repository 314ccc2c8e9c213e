/**
 * The folder that the submitter and every worker see, at whatever path: all that they share but the queue. Models and images
 * lie anywhere in it; what is made lies in `.cupel-queue`:
 *
 *     share.json              which folder this is: jobs of another one are never taken
 *     results/KEY.json        what came of a job; the first that is written stays
 *     models/SHA256.onnx      what was written, by its content
 *
 * A result MUST NOT be there before the model that it names. It needs hard links and atomic renames: NFS, CephFS and
 * local disks have them.
 */
import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { isAbsolute, join, relative, sep } from "node:path";
import { createFileAtomically, fileDigest, readRegular, reasonOf, writeFileAtomically } from "@cupel/base";
import { cliErrors } from "../errors.ts";
import { jsonObject } from "./json-object.ts";

export const ownFolder = ".cupel-queue";

export class SharedFolder {
  readonly path: string;
  /** The same at every path that it is seen at. */
  readonly id: string;

  private constructor(path: string, id: string) {
    this.path = path;
    this.id = id;
  }

  /** Makes it one where it is none yet. @throws FILE_UNREADABLE, WRITE_FAILED, QUEUE_RESULT_DAMAGED */
  static async open(given: string): Promise<SharedFolder> {
    const path = await realpath(given).catch((thrown: unknown) => {
      throw unreadable(given, thrown);
    });
    if (!(await stat(path)).isDirectory()) throw unreadable(given, new Error("it is no folder"));
    const mark = join(path, ownFolder, "share.json");
    const text = await readRegular(mark).catch(() => null);
    if (text === null) await createFileAtomically(mark, `${JSON.stringify({ id: randomUUID() })}\n`);
    const { id } = await readJson(mark);
    if (typeof id !== "string" || !/^[0-9a-f-]{36}$/.test(id)) throw damaged(mark);
    return new SharedFolder(path, id);
  }

  /** With "/", as every machine writes it. @throws QUEUE_INPUT_OUTSIDE, FILE_UNREADABLE */
  async pathIn(given: string): Promise<string> {
    const real = await realpath(given).catch((thrown: unknown) => {
      throw unreadable(given, thrown);
    });
    const way = relative(this.path, real);
    if (way === ".." || way.startsWith(`..${sep}`) || isAbsolute(way)) {
      throw cliErrors.error(
        "QUEUE_INPUT_OUTSIDE",
        `${given} is not in the shared folder ${this.path}: workers on other machines cannot read it. Put it there.`,
        { details: { path: given, share: this.path } },
      );
    }
    return way.replaceAll(sep, "/");
  }

  /** @param way of a job, which anyone who writes to the queue may have made. @throws QUEUE_INPUT_OUTSIDE, FILE_UNREADABLE */
  async pathOf(way: string): Promise<string> {
    const path = join(this.path, way);
    await this.pathIn(path);
    return path;
  }

  /** Keys of all jobs that have a result. */
  async finished(): Promise<ReadonlySet<string>> {
    const names = await readdir(this.#results()).catch(() => []);
    return new Set(names.filter((name) => keyFile.test(name)).map((name) => name.slice(0, -".json".length)));
  }

  /** Null where there is none. @throws QUEUE_RESULT_DAMAGED */
  async result(key: string): Promise<unknown> {
    const path = this.#result(key);
    if ((await stat(path).catch(() => null)) === null) return null;
    return await readJson(path);
  }

  /** @returns whether it is the first. @throws WRITE_FAILED, DISK_FULL */
  async putResult(key: string, json: string): Promise<boolean> {
    return await createFileAtomically(this.#result(key), json);
  }

  /** @returns its digest. @throws WRITE_FAILED, DISK_FULL */
  async putModel(path: string, signal: AbortSignal): Promise<string> {
    const digest = await fileDigest(path, { signal });
    await writeFileAtomically(this.#model(digest), createReadStream(path), { signal });
    return digest;
  }

  /** Copies a model out and checks that it is what was put there. @throws QUEUE_RESULT_DAMAGED, WRITE_FAILED, DISK_FULL */
  async takeModel(digest: string, to: string, signal: AbortSignal): Promise<void> {
    const from = this.#model(digest);
    await writeFileAtomically(to, checked(from, digest), { signal });
  }

  #results(): string {
    return join(this.path, ownFolder, "results");
  }

  #result(key: string): string {
    return join(this.#results(), `${key}.json`);
  }

  #model(digest: string): string {
    return join(this.path, ownFolder, "models", `${digest}.onnx`);
  }
}

const keyFile = /^[0-9a-f]{64}\.json$/;

async function* checked(path: string, digest: string): AsyncIterable<Uint8Array> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(path)) {
      hash.update(chunk);
      yield chunk;
    }
  } catch (thrown) {
    throw damaged(path, thrown);
  }
  if (hash.digest("hex") !== digest) throw damaged(path);
}

async function readJson(path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const json = jsonObject(JSON.parse((await readRegular(path)).toString()));
    if (json !== null) return json;
  } catch (thrown) {
    throw damaged(path, thrown);
  }
  throw damaged(path);
}

export function damaged(path: string, cause?: unknown) {
  return cliErrors.error(
    "QUEUE_RESULT_DAMAGED",
    `${path} is not what was written there. Remove it, and give the same command again.`,
    { cause, details: { path } },
  );
}

function unreadable(path: string, thrown: unknown) {
  return cliErrors.error("FILE_UNREADABLE", `Cannot use ${path}: ${reasonOf(thrown)}`, {
    cause: thrown,
    details: { path },
  });
}
