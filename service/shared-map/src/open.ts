/** How a thread comes to a map: a new one, or that of a handle. */
import { Attachment } from "./attachment.ts";
import { geometryOf } from "./geometry.ts";
import { checkHandle, createHandle, type SharedMapHandle } from "./handle.ts";
import {
  type AttachOptions,
  checkCodecs,
  type SharedMapOptions,
  settingsOf,
  type TestOptions,
} from "./options.ts";
import { wasmEngine } from "./wasm-engine.ts";

export function createMap(options: SharedMapOptions & TestOptions): Attachment {
  const settings = settingsOf(options);
  const geometry = geometryOf({
    maxBytes: settings.maxBytes,
    maxThreads: settings.maxThreads,
    maxEntries: settings.maxEntries,
    evicts: settings.eviction === "sieve",
    keeps: settings.nearCache > 0,
    staleFor: settings.staleFor,
    groupBits: options.groupBits ?? 7,
  });
  const useWasm = options.core !== "typescript" && wasmEngine !== undefined;
  const attachment = new Attachment(createHandle(settings, geometry, useWasm), options);
  if (attachment.core.create(attachment.lane) === 0) attachment.fail(attachment.found);
  return attachment;
}

export function attachMap(handle: SharedMapHandle, options: AttachOptions): Attachment {
  const checked = checkHandle(handle);
  checkCodecs(checked.settings, options);
  return new Attachment(checked, options);
}
