/**
 * Which files a model keeps weights in, told from its bytes without decoding it: for whoever watches, copies or digests a
 * model that nobody vouches for.
 */
import { type ByteSource, entryAt, fieldsOf, walkTensors } from "./tensor-walk.ts";

/** Field of TensorProto. */
const externalData = 13;

/**
 * Locations as the model writes them, relative to its folder, each once, in their order there. A location that leads out
 * of the folder is among them, and so is one that a tensor has twice, or does not use: what may be read is for the reader to judge.
 * @throws MODEL_NOT_PROTOBUF where the bytes are not a whole message
 */
export function externalLocations(bytes: Uint8Array): readonly string[] {
  const source: ByteSource = {
    length: bytes.length,
    byte: (at) => bytes[at]!,
    part: (at, length) => bytes.subarray(at, at + length),
  };
  const locations = new Set<string>();
  walkTensors(source, (start, end) => {
    for (const field of fieldsOf(source, start, end)) {
      if (field.number !== externalData || !Number.isNaN(field.value)) continue;
      const [key, value] = entryAt(source, field.start, field.start + field.length);
      if (key === "location") locations.add(value);
    }
  });
  return [...locations];
}
