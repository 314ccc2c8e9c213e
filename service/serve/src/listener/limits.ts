/**
 * What one connection, and all of them together, may take of the server. Node's own values are no limits for a server
 * that is reached from outside: streams are unlimited there, and a window of 65,535 bytes carries 0.4 MB/s over 150 ms.
 */
export interface ConnectionLimits {
  /** Connections open at once; one more is closed at once. Default 4,096. */
  readonly connections: number;
  /**
   * Of them, those of one IPv4 address or one IPv6 prefix of 64 bits; one more is closed at once. Null: as many as of all. Default null: behind a proxy all
   * have its address.
   */
  readonly connectionsPerAddress: number | null;
  /** HTTP/2 requests at once on one connection. Default 128. */
  readonly streams: number;
  /** Bytes a client may send ahead on one HTTP/2 request. Default 1 MiB: 7 MB/s over 150 ms. */
  readonly streamWindow: number;
  /** The same for all requests of a connection together. Default 16 MiB. */
  readonly connectionWindow: number;
  /** Bytes of a request's headers. Default 16 KiB. */
  readonly headerBytes: number;
  /** Headers of a request. Default 100. */
  readonly headers: number;
  /** For the bytes that say which protocol a connection speaks, in ms. Default 5,000. */
  readonly firstBytesMs: number;
  /** For the handshake of TLS, in ms. Default 10,000. */
  readonly handshakeMs: number;
  /** For the headers of an HTTP/1.1 request, in ms. Default 10,000. */
  readonly headersMs: number;
  /** For a whole request with its body, in ms; a request that streams has none. Default 120,000. */
  readonly requestMs: number;
  /** That nothing may move on a request before it is given up: a client that does not read, in ms. Default 300,000. */
  readonly stalledMs: number;
  /** That a connection without a request stays open, in ms. Default 75,000. */
  readonly idleMs: number;
}

export const defaultLimits: ConnectionLimits = {
  connections: 4096,
  connectionsPerAddress: null,
  streams: 128,
  streamWindow: 1 << 20,
  connectionWindow: 16 << 20,
  headerBytes: 16 << 10,
  headers: 100,
  firstBytesMs: 5_000,
  handshakeMs: 10_000,
  headersMs: 10_000,
  requestMs: 120_000,
  stalledMs: 300_000,
  idleMs: 75_000,
};
