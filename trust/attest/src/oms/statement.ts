/**
 * The statement of OpenSSF Model Signing v1.0: an in-toto statement whose predicate names each file of a model, or each
 * shard of a file, with its digest. Everything that could lead a reader elsewhere is refused here, before a file is
 * opened: what is behind this has paths below the folder only.
 *
 * The subject's digest is SHA-256 over the digests without names, so it is a name for the whole and no proof of it: only
 * the signature over the list binds content to names.
 */
import { createHash } from "node:crypto";
import { attestErrors } from "../errors.ts";
import { shown } from "../manifest/check-manifest.ts";
import { pathRefusal } from "../manifest/path-rules.ts";
import {
  type Fault,
  type JsonObject,
  jsonList,
  jsonObject,
  jsonText,
  member,
  parseJsonBytes,
} from "../signature/json-members.ts";

export const statementType = "https://in-toto.io/Statement/v1";
export const modelPredicateType = "https://model_signing/signature/v1.0";
/** Of model-signing 0.2, which also signed other bytes than DSSE says. */
const oldPredicateType = "https://model_signing/Digests/v0.1";

/** The path of a resource where the model is a single file and not a folder. */
export const singleFilePath = ".";

export interface Resource {
  /** Below the folder, with `/` between names. */
  readonly path: string;
  /** Of a shard: bytes from `start`, to before `end`. Null of a whole file. */
  readonly range: { readonly start: number; readonly end: number } | null;
  /** Lower-case hex. */
  readonly sha256: string;
  /** Of the same bytes, where the signer added it: other verifiers do not look at it. */
  readonly sm3: string | null;
  /** Bytes of the file, where the signer added it. */
  readonly size: number | null;
}

export interface Serialization {
  /** Bytes; null where files are whole. */
  readonly shardSize: number | null;
  /** Were links followed when it was signed? Then a link stands for the file that it leads to. */
  readonly allowSymlinks: boolean;
  /** Files, and folders with all in them, that are not signed. */
  readonly ignorePaths: readonly string[];
}

export interface ModelStatement {
  /** Of the folder when it was signed. Nothing depends on it. */
  readonly name: string;
  /** SHA-256 over the resources' digests, in their order. */
  readonly digest: string;
  /** In the signer's order. */
  readonly resources: readonly Resource[];
  readonly serialization: Serialization;
}

/**
 * @param payload as it was signed
 * @param where it is from, for messages
 * @throws STATEMENT_INVALID, STATEMENT_PATH_REFUSED, STATEMENT_UNSUPPORTED, MODEL_EMPTY
 */
export function parseStatement(payload: Uint8Array, where: string): ModelStatement {
  const fault: Fault = (reason) =>
    attestErrors.error(
      "STATEMENT_INVALID",
      `What is signed in ${where} is not valid: ${reason}. Sign again.`,
      {
        details: { reason },
      },
    );
  const statement = jsonObject(parseJsonBytes(payload), "it", fault);
  if (jsonText(statement, "_type", fault) !== statementType) throw fault("it is no in-toto statement of v1");
  const type = jsonText(statement, "predicateType", fault);
  if (type === oldPredicateType) throw unsupported(where, "of model-signing 0.2, which signs other bytes");
  if (type !== modelPredicateType) throw fault(`its predicateType is ${shown(type.slice(0, 100))}`);
  const predicate = jsonObject(member(statement, "predicate"), "predicate", fault, [
    "resources",
    "serialization",
  ]);
  const serialization = serializationOf(member(predicate, "serialization"), where, fault);
  const resources = jsonList(predicate, "resources", fault).map((each) =>
    resourceOf(each, serialization, where, fault),
  );
  if (resources.length === 0) throw modelEmpty(where);
  checkResources(resources, serialization, fault);
  const [subject, ...more] = jsonList(statement, "subject", fault);
  if (more.length > 0) throw fault("it has more than one subject");
  const { name, digest } = subjectOf(subject, fault);
  if (digest !== resourcesDigest(resources)) {
    throw fault("its subject's digest is not that of its resources");
  }
  return { name, digest, resources, serialization };
}

/** The bytes to sign. Files in the order of their code points are what other verifiers expect. */
export function formatStatement({ name, resources, serialization }: Omit<ModelStatement, "digest">): Buffer {
  const { shardSize, allowSymlinks, ignorePaths } = serialization;
  const statement = {
    _type: statementType,
    subject: [{ name, digest: { sha256: resourcesDigest(resources) } }],
    predicateType: modelPredicateType,
    predicate: {
      resources: resources.map(({ path, range, sha256, sm3, size }) => ({
        name: range === null ? path : `${path}:${range.start}:${range.end}`,
        algorithm: "sha256",
        digest: sha256,
        ...(sm3 === null ? {} : { sm3 }),
        ...(size === null ? {} : { size }),
      })),
      serialization: {
        method: shardSize === null ? "files" : "shards",
        hash_type: "sha256",
        ...(shardSize === null ? {} : { shard_size: shardSize }),
        allow_symlinks: allowSymlinks,
        ignore_paths: ignorePaths,
      },
    },
  };
  return Buffer.from(JSON.stringify(statement, null, 2));
}

export function modelEmpty(where: string) {
  return attestErrors.error(
    "MODEL_EMPTY",
    `${where} names no file: of an empty model nothing can be proved. Check what is left out.`,
  );
}

export function rangeStart({ range }: Resource): number {
  return range?.start ?? 0;
}

/** Is the path one of these, or below one? */
export function isIgnored(path: string, ignorePaths: readonly string[]): boolean {
  return ignorePaths.some((each) => path === each || path.startsWith(`${each}/`));
}

function resourcesDigest(resources: readonly Resource[]): string {
  const digest = createHash("sha256");
  for (const { sha256 } of resources) digest.update(sha256, "hex");
  return digest.digest("hex");
}

const hex64 = /^[0-9a-f]{64}$/;

function subjectOf(value: unknown, fault: Fault): { readonly name: string; readonly digest: string } {
  const subject = jsonObject(value, "its subject", fault);
  const digests = jsonObject(member(subject, "digest"), "the subject's digest", fault);
  return { name: jsonText(subject, "name", fault), digest: jsonText(digests, "sha256", fault) };
}

function serializationOf(value: unknown, where: string, fault: Fault): Serialization {
  const names = ["method", "hash_type", "shard_size", "allow_symlinks", "ignore_paths"];
  const serialization = jsonObject(value, "serialization", fault, names);
  const method = jsonText(serialization, "method", fault);
  if (method !== "files" && method !== "shards") throw fault(`its method is ${shown(method.slice(0, 100))}`);
  assertSha256(jsonText(serialization, "hash_type", fault), where, fault);
  const shardSize = member(serialization, "shard_size");
  if (method === "shards" ? !isCount(shardSize) || shardSize === 0 : shardSize !== undefined) {
    throw fault("shard_size must be a whole number of bytes with shards, and absent with files");
  }
  const allowSymlinks = member(serialization, "allow_symlinks");
  if (typeof allowSymlinks !== "boolean") throw fault("allow_symlinks is neither true nor false");
  const ignored =
    member(serialization, "ignore_paths") === undefined ? [] : jsonList(serialization, "ignore_paths", fault);
  return {
    shardSize: isCount(shardSize) ? shardSize : null,
    allowSymlinks,
    ignorePaths: ignored.map((each) => {
      if (typeof each !== "string") throw fault("a path in ignore_paths is no text");
      assertPath(each, where);
      return each;
    }),
  };
}

function resourceOf(value: unknown, { shardSize }: Serialization, where: string, fault: Fault): Resource {
  const resource = jsonObject(value, "a resource", fault);
  const name = jsonText(resource, "name", fault);
  const [, path = name, start, end] = (shardSize === null ? null : shardName.exec(name)) ?? [];
  if (path !== singleFilePath) assertPath(path, where);
  if (shardSize !== null && end === undefined) throw fault(`${shown(name)} is no name of a shard`);
  const algorithm = jsonText(resource, "algorithm", fault);
  // So the reference implementation names that of a shard, other than the schema.
  if (shardSize === null || algorithm !== `sha256-sharded-${shardSize}`)
    assertSha256(algorithm, where, fault);
  const sha256 = jsonText(resource, "digest", fault);
  if (!hex64.test(sha256)) throw fault(`the digest of ${shown(name)} is not 64 digits of lower-case hex`);
  const range = end === undefined ? null : { start: Number(start), end: Number(end) };
  return { path, range, sha256, ...additionsOf(resource, range !== null) };
}

const shardName = /^(.+):(0|[1-9]\d{0,15}):([1-9]\d{0,15})$/su;

/** Ours; another signer's members of these names may mean something else, and are then none. */
function additionsOf(resource: JsonObject, isShard: boolean): Pick<Resource, "sm3" | "size"> {
  const sm3 = member(resource, "sm3");
  const size = member(resource, "size");
  return {
    sm3: typeof sm3 === "string" && hex64.test(sm3) ? sm3 : null,
    size: isCount(size) && !isShard ? size : null,
  };
}

/** Of all together: each once, none ignored, and the shards of a file whole, in order and of the stated size. */
function checkResources(
  resources: readonly Resource[],
  { shardSize, ignorePaths }: Serialization,
  fault: Fault,
): void {
  for (const [path, parts] of Map.groupBy(resources, (each) => each.path)) {
    if (isIgnored(path, ignorePaths)) throw fault(`${shown(path)} is signed, and in ignore_paths`);
    if (shardSize === null) {
      if (parts.length > 1) throw fault(`${shown(path)} is there twice`);
      continue;
    }
    const ranges = parts
      .flatMap(({ range }) => range ?? [])
      .toSorted((one, other) => one.start - other.start);
    for (const [i, { start, end }] of ranges.entries()) {
      const isLast = i === ranges.length - 1;
      const isRight =
        start === i * shardSize && (isLast ? end <= start + shardSize : end === start + shardSize);
      if (!isRight || end <= start)
        throw fault(`the shards of ${shown(path)} are not one after the other, of one size`);
    }
  }
  if (
    resources.some(({ path }) => path === singleFilePath) &&
    new Set(resources.map(({ path }) => path)).size > 1
  ) {
    throw fault(`${shown(singleFilePath)} is there beside other files`);
  }
}

function assertSha256(name: string, where: string, fault: Fault): void {
  if (name === "sha256") return;
  if (name.startsWith("blake")) throw unsupported(where, `with digests by ${name}`);
  throw fault(`a digest is by ${shown(name.slice(0, 100))}, which OMS does not have`);
}

/** @throws STATEMENT_PATH_REFUSED */
function assertPath(path: string, where: string): void {
  const reason = pathRefusal(path);
  if (reason === null) return;
  throw attestErrors.error(
    "STATEMENT_PATH_REFUSED",
    `What is signed in ${where} names ${shown(path)}, which ${reason}. No file was read.`,
    { details: { path } },
  );
}

function unsupported(where: string, how: string) {
  return attestErrors.error(
    "STATEMENT_UNSUPPORTED",
    `The signature in ${where} is one ${how}: that is not verified here. Sign again by OMS v1.0 with SHA-256.`,
  );
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
