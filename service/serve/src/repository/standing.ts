/**
 * What a repository has in service, told to another process of the same server that starts later, so that it comes up
 * with the same bytes whatever the folder has become since.
 */
export type Standing = readonly ModelStanding[];

export interface ModelStanding {
  readonly model: string;
  /** The state of its files when it was unloaded by its name; null while it is to be served. */
  readonly unloaded: string | null;
  readonly versions: readonly VersionStanding[];
}

export interface VersionStanding {
  readonly version: string;
  /** Files of weights that its newest bytes name. */
  readonly locations: readonly string[];
  /** Null where it is not in service. */
  readonly served: ServedBytes | null;
}

export interface ServedBytes {
  /** The path in the folder of models that the bytes were taken from. */
  readonly origin: string;
  /** The copy that is in service, for as long as its process has it. */
  readonly path: string;
}
