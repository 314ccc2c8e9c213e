/** The models a server has, by name and version, and what may be done to them while it runs. */
import type { IndexEntry } from "../core/metadata.ts";
import type { ModelVersion } from "./model-version.ts";

/** A version that stays loaded until it is given back: a reload drains what still uses the old one. */
export interface Lease extends Disposable {
  readonly version: ModelVersion;
  /** The path in the folder of models that its bytes were taken from; what lies there may be another file by now. */
  readonly origin: string;
}

export interface ModelRepository extends AsyncDisposable {
  /**
   * @param version default: the current one, the highest number that is ready.
   * @throws MODEL_UNKNOWN, VERSION_UNKNOWN, MODEL_NOT_READY
   */
  lease(model: string, version?: string): Lease;
  /** Ready versions of a model, the current one last. @throws MODEL_UNKNOWN */
  versions(model: string): readonly ModelVersion[];
  /** Every version it knows of, ready or not. */
  index(): readonly IndexEntry[];
  /**
   * Reads the model's folder again: what is new or changed is loaded, then switched to, then the old is drained.
   * @throws MODEL_UNKNOWN, MODEL_REFUSED, and why the model cannot be loaded; what was loaded before stays then
   */
  load(model: string, signal?: AbortSignal): Promise<void>;
  /** Takes it out of service at once and drains it. @throws MODEL_UNKNOWN */
  unload(model: string): Promise<void>;
  /** Whether every model that it was asked to serve is ready. */
  readonly isReady: boolean;
}
