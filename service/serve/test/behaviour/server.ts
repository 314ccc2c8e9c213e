/** The server that every behaviour is tried on: tiny models, keys, small limits. */
export interface BehaviourServer extends AsyncDisposable {
  readonly port: number;
  readonly keys: Readonly<Record<"operator" | "reader" | "hasty", string>>;
  /** Puts a file into the folder of models, whole. */
  write(model: string, bytes: Uint8Array): Promise<void>;
  /** Requests that wait for a run now. */
  queued(model: string): number;
  /** Requests for it that were answered with the code so far. */
  answered(model: string, code: string): number;
  cacheHits(model: string): number;
}
