/** What a fetch is called with. */
import { checkObject, checkTtl, invalid } from "./options.ts";

export interface LoadContext {
  /** Aborted when nobody waits for the load any more, when it takes too long, and when the map is closed. */
  readonly signal: AbortSignal;
}

/**
 * Loads the value of a key. undefined stands for none: nothing is stored, and an entry that was to be replaced goes.
 * It runs without any lock. It MUST NOT wait for a fetch of its own key.
 * @param staleValue what the key has, where that is to be replaced
 */
export type Loader<K, V> = (
  key: K,
  staleValue: V | undefined,
  context: LoadContext,
) => V | undefined | PromiseLike<V | undefined>;

export interface FetchOptions {
  /** Milliseconds that what is loaded lives from then on; Infinity: for ever. Default: the map's. */
  readonly ttl?: number | undefined;
  /** The caller leaves when it is aborted, with its reason; the load goes on for others, and is aborted when none is left. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Milliseconds that the loader may take; then its signal is aborted, and who waits for it in this thread gets LOAD_TIMEOUT.
   * A thread that has waited so long for another's load loads by itself. Default: as long as it takes.
   */
  readonly timeout?: number | undefined;
  /** Whether the value of an entry that has expired is handed out while one load replaces it (`staleFor` of the map). Default true. */
  readonly allowStale?: boolean | undefined;
  /** Whether such a value is handed out when loading fails. Default false. */
  readonly allowStaleOnFetchRejection?: boolean | undefined;
  /** Loads though the key is there; joins a load that is under way. Default false. */
  readonly forceRefresh?: boolean | undefined;
}

export interface FetchSettings {
  readonly ttl: number | undefined;
  readonly signal: AbortSignal | undefined;
  /** Infinity for none. */
  readonly timeout: number;
  readonly isForced: boolean;
  readonly allowStale: boolean;
  readonly allowStaleOnFetchRejection: boolean;
}

/** @throws OPTION_INVALID */
export function fetchSettingsOf(loader: unknown, options: FetchOptions): FetchSettings {
  if (typeof loader !== "function")
    throw invalid("loader", loader, "a function that gives the value of a key");
  checkObject(options);
  const { ttl, signal, timeout = Number.POSITIVE_INFINITY, forceRefresh: isForced = false } = options;
  const { allowStale = true, allowStaleOnFetchRejection = false } = options;
  if (!(timeout > 0)) throw invalid("timeout", timeout, "a number of milliseconds above 0");
  return {
    ttl: ttl === undefined ? undefined : checkTtl(ttl),
    signal,
    timeout,
    isForced,
    allowStale,
    allowStaleOnFetchRejection,
  };
}
