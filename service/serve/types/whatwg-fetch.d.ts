/**
 * What graphql-yoga's types name of @whatwg-node/fetch, with the types of Node.js: the package's own declarations bring those
 * of a browser into the whole program, where they contradict Node's. tsconfig.json puts this file in their place.
 */
declare const api: Pick<
  typeof globalThis,
  | "fetch"
  | "Request"
  | "Response"
  | "Headers"
  | "FormData"
  | "ReadableStream"
  | "WritableStream"
  | "TransformStream"
  | "Blob"
  | "File"
  | "crypto"
  | "TextEncoder"
  | "TextDecoder"
  | "URL"
  | "URLSearchParams"
  | "URLPattern"
>;
export declare const Response: typeof api.Response;
export declare function createFetch(): typeof api;
