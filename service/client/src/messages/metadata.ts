/** What a server says of itself, of its models and of what they were asked. */
export interface ServerMetadata {
  readonly name: string;
  readonly version: string;
  readonly extensions: readonly string[];
}

export interface TensorMetadata {
  readonly name: string;
  readonly datatype: string;
  /** -1 where a size is open. */
  readonly shape: readonly number[];
}

export interface ModelMetadata {
  readonly name: string;
  /** Ready ones, the current one last. */
  readonly versions: readonly string[];
  readonly platform: string;
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
  /** Task, class names, preprocessing: what the file says. */
  readonly properties: Readonly<Record<string, string>>;
}

export interface IndexEntry {
  readonly name: string;
  readonly version: string;
  /** READY, LOADING, UNLOADING or UNAVAILABLE. */
  readonly state: string;
  /** Why it is not ready, or why a READY one still answers from the file before; "" otherwise. */
  readonly reason: string;
}

export interface CountedTime {
  readonly count: number;
  /** The sum, in ms. */
  readonly ms: number;
}

/** Of a version, since the server started. */
export interface VersionStatistics {
  readonly model: string;
  readonly version: string;
  /** When it last answered, in ms since 1970; 0 where it has not. */
  readonly lastInference: number;
  /** Rows answered: images of a batch count each. */
  readonly rows: number;
  /** Runs of the engine, in each of which requests may be joined. */
  readonly runs: number;
  readonly success: CountedTime;
  readonly fail: CountedTime;
  readonly queue: CountedTime;
  readonly input: CountedTime;
  readonly run: CountedTime;
}
