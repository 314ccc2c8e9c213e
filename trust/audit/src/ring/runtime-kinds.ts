/**
 * What the ring holds: kinds of entries, with the names of their numbers and texts. Numbers whose name ends in Ms are milliseconds. A
 * number that is not known is NaN, a text "", and neither is written out.
 */
interface EntryShape {
  readonly meaning: string;
  readonly numbers: readonly string[];
  /** At most eight. */
  readonly texts: readonly string[];
}

const request = ["id"] as const;
const response = ["id", "status", "durationMs"] as const;
const failure = ["id", "durationMs"] as const;
const closed = ["id", "openMs", "bytesRead", "bytesWritten"] as const;

/** Kinds are numbered in this order, from 1: a ring does not outlive its process. */
export const runtimeKinds = {
  gc: { meaning: "A garbage collection", numbers: ["durationMs"], texts: ["collection"] },
  loop: {
    meaning: "How late the event loop was in the last second, and which part of it it was busy",
    numbers: ["windowMs", "meanMs", "p50Ms", "p99Ms", "maxMs", "utilization"],
    texts: [],
  },
  "net.client.connect": {
    meaning: "A connection was made from here",
    numbers: ["id", "port", "durationMs"],
    texts: ["address"],
  },
  "net.client.close": {
    meaning: "Such a connection ended, or never came to be",
    numbers: closed,
    texts: [],
  },
  "net.server.open": { meaning: "A connection was accepted", numbers: request, texts: ["address"] },
  "net.server.close": { meaning: "Such a connection ended", numbers: closed, texts: [] },
  "http.client.request": {
    meaning: "A request by `node:http` began",
    numbers: request,
    texts: ["method", "host", "path"],
  },
  "http.client.response": { meaning: "Its answer begins", numbers: response, texts: [] },
  "http.client.error": { meaning: "It failed", numbers: failure, texts: ["code"] },
  "http.server.request": {
    meaning: "A request over HTTP/1 came in",
    numbers: request,
    texts: ["method", "path"],
  },
  "http.server.response": { meaning: "Its answer was handed to the system", numbers: response, texts: [] },
  "http2.server.request": {
    meaning: "A stream of HTTP/2 came in, gRPC too",
    numbers: request,
    texts: ["method", "path"],
  },
  "http2.server.response": { meaning: "Such a stream ended", numbers: response, texts: [] },
  "undici.request": {
    meaning: "A request by `fetch` or undici began",
    numbers: request,
    texts: ["method", "host", "path"],
  },
  "undici.response": { meaning: "Its answer begins", numbers: response, texts: [] },
  "undici.error": { meaning: "It failed", numbers: failure, texts: ["code"] },
  "watch.failed": {
    meaning: "Something happened that could not be described",
    numbers: [],
    texts: ["channel", "reason"],
  },
} as const satisfies Readonly<Record<string, EntryShape>>;

export type RuntimeKind = keyof typeof runtimeKinds;

type Each<Names extends readonly string[], Value> = { readonly [I in keyof Names]: Value };
export type NumbersOf<Kind extends RuntimeKind> = Each<(typeof runtimeKinds)[Kind]["numbers"], number>;
export type TextsOf<Kind extends RuntimeKind> = Each<(typeof runtimeKinds)[Kind]["texts"], string>;

/** A kind has the number of its place here and one more: 0 is none. */
export const kindsByNumber: readonly RuntimeKind[] = Object.keys(runtimeKinds).filter(isRuntimeKind);

export const kindNumber: ReadonlyMap<RuntimeKind, number> = new Map(
  kindsByNumber.map((kind, place) => [kind, place + 1]),
);

function isRuntimeKind(name: string): name is RuntimeKind {
  return Object.hasOwn(runtimeKinds, name);
}

const shapes: readonly EntryShape[] = Object.values(runtimeKinds);
export const longestShape = {
  numbers: Math.max(...shapes.map(({ numbers }) => numbers.length)),
  texts: Math.max(...shapes.map(({ texts }) => texts.length)),
};
