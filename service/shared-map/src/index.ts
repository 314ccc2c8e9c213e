// First: it refuses a Node.js that is too old in a sentence, before a module here fails on one.
import "@cupel/base";

export type { CheckReport } from "./check.ts";
export { type Codec, jsonCodec, structuredCodec } from "./codec.ts";
export type { Counter } from "./counter.ts";
export type { Cursor, CursorParts } from "./cursor.ts";
export { type SharedMapErrorCode, sharedMapErrors } from "./errors.ts";
export type { FetchOptions, LoadContext } from "./fetch-options.ts";
export type { SharedMapHandle } from "./handle.ts";
export type { EvictionEvent } from "./listeners.ts";
export type { AttachOptions, SetOptions, SharedMapOptions } from "./options.ts";
export { SharedMap } from "./shared-map.ts";
export type { SharedMapStats } from "./stats.ts";
export type { MapKey, MapValue } from "./storable.ts";
