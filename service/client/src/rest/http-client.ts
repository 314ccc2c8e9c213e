/** One HTTP exchange, whole: what REST and GraphQL need of Node.js or of a browser. */
export interface HttpRequest {
  readonly method: "GET" | "POST";
  /** With its query, from "/". */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer> | undefined;
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  /** By its name in lower case. */
  header(name: string): string | null;
  readonly body: Uint8Array<ArrayBuffer>;
}

export interface HttpClient extends Disposable {
  /** @throws SERVER_UNREACHABLE, CONNECTION_LOST, TLS_FAILED, ANSWER_TOO_LARGE, or the reason of the signal */
  send(request: HttpRequest): Promise<HttpAnswer>;
}
