/**
 * Where a model comes from: a path, which lets the engine find external weight files and map them, or
 * bytes, whole or in the chunks that `encodeModel` yields.
 *
 * The engine takes neither chunks nor shared memory, so bytes are gathered once into a buffer of their
 * own, which then moves to the engine's thread without another copy.
 */
export type ModelSource = string | Uint8Array | readonly Uint8Array[];

/** The same, as it crosses the thread boundary. The name is for messages. */
export type PostedModel =
  | { readonly kind: "path"; readonly path: string; readonly name: string }
  | { readonly kind: "bytes"; readonly bytes: ArrayBuffer; readonly name: string };

export function postModel(source: ModelSource, name: string): PostedModel {
  return typeof source === "string"
    ? { kind: "path", path: source, name }
    : { kind: "bytes", bytes: gather(source instanceof Uint8Array ? [source] : source), name };
}

/** What messages call a model. */
export function nameOfSource(source: ModelSource): string {
  return typeof source === "string" ? source : "the model";
}

function gather(chunks: readonly Uint8Array[]): ArrayBuffer {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes.buffer;
}
