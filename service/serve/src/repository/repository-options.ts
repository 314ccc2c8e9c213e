/** How a repository behaves, and what is plugged into it. */
import type { CupelError, EventSink, Gate } from "@cupel/base";
import type { IsolationLimits } from "@cupel/runtime";
import type { VersionParts } from "./open-version.ts";
import type { VersionPolicy } from "./version-policy.ts";

export interface RepositoryOptions {
  /**
   * Milliseconds between two looks at the folder. What is new or changed is loaded once it has been the same in two looks.
   * Default: none, the folder is looked at where `load` asks for it only.
   */
  readonly pollMs?: number | undefined;
  /** By name of model. Default: the latest version that can be loaded. */
  readonly policyOf?: ((model: string) => VersionPolicy) | undefined;
  /**
   * Limits of the process that loads and runs a version once before this one does; see `IsolationLimits` for their
   * defaults. "none" loads it here at once, for files of a maker who is trusted: one that kills the engine ends the server.
   */
  readonly trial?: IsolationLimits | "none" | undefined;
  /** Engine threads of a run. Default: the cores this process may use. */
  readonly threads?: number | undefined;
  /**
   * Whether the engine's threads spin while they wait. That takes the cores from the thread that reads requests and from
   * other sessions: the median of one request on two cores was 1.2 to 1.7 times as long. Default false.
   */
  readonly spins?: boolean | undefined;
  /** Sessions of each version that run side by side, each with its threads and memory. Default 1. */
  readonly instances?: number | undefined;
  /**
   * Folder where the engine's own form of each model is kept, so that the next start is faster and processes share its
   * weights: see `openEngineCache`, which makes it and says what it must be; where it is not, the log says so and none is used.
   * Default: none is kept.
   */
  readonly cacheFolder?: string | undefined;
  /** Asked before every load. Default: lets everything in. */
  readonly gate?: Gate | undefined;
  /** Told of every load, failure and unload. A rejection keeps a new version from being switched to. Default: keeps nothing. */
  readonly sink?: EventSink | undefined;
  /** Default: runs are not joined, and no images are taken. */
  readonly parts?: VersionParts | undefined;
  /** Lines for the server's log. Default: none. */
  readonly log?: ((line: RepositoryLine) => void) | undefined;
  /** Cancels the opening only. */
  readonly signal?: AbortSignal | undefined;
}

export interface RepositoryLine {
  readonly level: "info" | "warn" | "error";
  readonly message: string;
  readonly model: string;
  /** "" where it concerns none. */
  readonly version: string;
  readonly error?: CupelError | undefined;
}
