/** Where weights lie in a file of their own: each at the start of a page, so that an engine can map it. */
import type { ExternalPlace, Model, Tensor } from "../graph/index.ts";
import { externalAlignment } from "./external-data.ts";

/** Places by tensor, in the order of the file. */
export type ExternalLayout = ReadonlyMap<Tensor, ExternalPlace>;

/** Those of at least `minBytes`; a smaller one would fill a page with little. */
export function largeTensors(model: Model, minBytes: number = externalAlignment): Set<Tensor> {
  const constants = Array.from(model.graph.initializers, (value) => value.constant!);
  return new Set(constants.filter((tensor) => tensor.type !== "string" && tensor.byteLength >= minBytes));
}

export function layOut(tensors: Iterable<Tensor>, location: string): ExternalLayout {
  const places = new Map<Tensor, ExternalPlace>();
  let end = 0;
  for (const tensor of tensors) {
    const offset = Math.ceil(end / externalAlignment) * externalAlignment;
    places.set(tensor, { location, offset, length: tensor.byteLength });
    end = offset + tensor.byteLength;
  }
  return places;
}

/** What lies there, with zeros between. */
export function* alignedChunks(places: ExternalLayout): Iterable<Uint8Array> {
  let end = 0;
  for (const [tensor, place] of places) {
    yield new Uint8Array(place.offset - end);
    yield tensor.bytes();
    end = place.offset + place.length;
  }
}

/** Of the file. */
export function layoutBytes(places: ExternalLayout): number {
  const last = [...places.values()].at(-1);
  return last ? last.offset + last.length : 0;
}
