/**
 * Damage to a checkpoint whose digest is right afterwards: a SHA-256 tells that a file is whole, not who wrote it. Fields of
 * what it says of its training, of its header and of its tensors are removed, repeated, swapped or given values at the edges.
 * Pure. Format: safetensors, https://huggingface.co/docs/safetensors.
 */
import { createHash } from "node:crypto";
import { own, type Random, setOwn } from "@cupel/base";
import { type Mutate, mutateBytes } from "./mutate-bytes.ts";
import { asObject, editedJson, type Json, parsed, textOf } from "./mutate-json.ts";

interface Checkpoint {
  readonly metadata: Record<string, string>;
  readonly entries: { [name: string]: Json };
  readonly body: Uint8Array;
}

const trainingKey = "cupel.training";
const lengthBytes = 8;

/** Nine of ten edits end in a file with a right digest. */
export const mutateCheckpoint: Mutate = (bytes, random, others) => {
  const found = random.integer(10) > 0 ? readCheckpoint(bytes) : null;
  if (found === null) return mutateBytes(bytes, random, others);
  let made = found;
  for (let left = 1 + random.integer(3); left > 0; left--)
    made = edits[random.integer(edits.length)]!(made, random);
  return writeCheckpoint(made);
};

const edits: readonly ((checkpoint: Checkpoint, random: Random) => Checkpoint)[] = [
  (checkpoint, random) => withTraining(checkpoint, random),
  (checkpoint, random) => withTraining(checkpoint, random),
  (checkpoint, random) => ({
    ...checkpoint,
    entries: asObject(editedJson(checkpoint.entries, random), checkpoint.entries),
  }),
  (checkpoint, random) => ({ ...checkpoint, body: mutateBytes(checkpoint.body, random, []) }),
  (checkpoint, random) => {
    const names = Object.keys(checkpoint.metadata);
    const metadata = { ...checkpoint.metadata };
    setOwn(metadata, names[random.integer(names.length)] ?? trainingKey, "1");
    return { ...checkpoint, metadata };
  },
];

function withTraining(checkpoint: Checkpoint, random: Random): Checkpoint {
  const metadata = { ...checkpoint.metadata };
  const text = own(metadata, trainingKey) ?? "{}";
  const training = parsed(text);
  setOwn(
    metadata,
    trainingKey,
    training === undefined ? text.slice(1) : JSON.stringify(editedJson(training, random)),
  );
  return { ...checkpoint, metadata };
}

/** Null for what is no file of the format. */
function readCheckpoint(bytes: Uint8Array): Checkpoint | null {
  if (bytes.length < lengthBytes) return null;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = lengthBytes + Number(buffer.readBigUInt64LE());
  if (end > bytes.length) return null;
  const header = parsed(buffer.toString("utf8", lengthBytes, end));
  if (typeof header !== "object" || header === null || Array.isArray(header)) return null;
  const { __metadata__: found = {}, ...entries } = header;
  const texts = Object.entries(asObject(found, {})).filter(([name]) => name !== "sha256");
  const metadata = Object.fromEntries(texts.map(([name, text]): [string, string] => [name, textOf(text)]));
  return { metadata, entries, body: bytes.slice(end) };
}

/** The digest is that of the metadata and entries as JSON, and of the elements. */
function writeCheckpoint({ metadata, entries, body }: Checkpoint): Uint8Array {
  const sha256 = createHash("sha256")
    .update(JSON.stringify([metadata, entries]))
    .update(body)
    .digest("hex");
  const header = Buffer.from(JSON.stringify({ __metadata__: { ...metadata, sha256 }, ...entries }));
  const length = Buffer.alloc(lengthBytes);
  length.writeBigUInt64LE(BigInt(header.length));
  return new Uint8Array(Buffer.concat([length, header, body]));
}
