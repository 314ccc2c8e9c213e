/**
 * Which types of keys and values a map stores by itself. Others need a codec, and the compiler asks for it: what the
 * map would refuse when it runs does not compile.
 */
import type { Codec } from "./codec.ts";

/** What is a key without a key codec. */
export type MapKey = string | number | bigint | Uint8Array;

/** What is a value without a codec. */
export type MapValue = string | number | bigint | boolean | null | undefined | Uint8Array;

/** `unknown` and `any` are taken on trust: such a map refuses what it cannot store when it runs. */
type IsStored<T, Stored> = unknown extends T ? true : [T] extends [Stored] ? true : false;

export interface WithCodec {
  readonly codec: Codec;
}

/** The codecs that a map of such keys and values must be given. */
export type CodecsFor<K, V> = KeyCodecFor<K> & (IsStored<V, MapValue> extends true ? unknown : WithCodec);

export type KeyCodecFor<K> = IsStored<K, MapKey> extends true ? unknown : { readonly keyCodec: Codec };

/** Options as a parameter, which may be left out where nothing must be given. */
export type Given<Options> = object extends Options ? [options?: Options] : [options: Options];

/**
 * A map whose values may be any number: what `add` and `counter` are called on. Not by the type of its values, of which a
 * map of numbers would then be no map of numbers and strings; and a property, where a method would take 1 | 2 for number.
 */
export interface TakesNumbers<K> {
  readonly set: (key: K, value: number) => unknown;
}
