/** What differs between Node.js and a browser: how faces are carried, and where images come from. */

import type { PoolOptions } from "../policies/pool.ts";
import type { Windows } from "../policies/windows.ts";
import type { Face, FaceName } from "./face.ts";

/** Certificates, as PEM. In Node.js only: a browser has its own. */
export interface TlsOptions {
  /** Authorities that are trusted in the place of the system's. */
  readonly ca?: string | Uint8Array | undefined;
  /** The client's own certificate, for servers that ask for one. */
  readonly cert?: string | Uint8Array | undefined;
  readonly key?: string | Uint8Array | undefined;
}

export interface FaceOptions {
  readonly pool: PoolOptions;
  readonly tls: TlsOptions;
  /** Of HTTP/2, where it is the client that opens connections. */
  readonly windows: Windows;
  /** For a connection to be made, in ms. */
  readonly connectTimeoutMs: number;
  /** Bytes of one answer. */
  readonly maxAnswerBytes: number;
}

export interface Platform {
  /** Those that can be carried here; they open no connection before the first call. */
  readonly faces: Readonly<Partial<Record<FaceName, (endpoint: URL, options: FaceOptions) => Face>>>;
  /** Null where there are no files. */
  readonly readFile: ((path: string | URL) => Promise<Uint8Array>) | null;
}
