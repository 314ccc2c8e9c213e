/** A map with entries, from which every run of an exploration begins. */
import { ModelMap, type ModelMapOptions } from "./model-map.ts";

export interface FilledMapOptions extends ModelMapOptions {
  /** Whether epochs are moved on, so that what is retired from now on comes free soon; default false. */
  readonly movesEpochs?: boolean;
}

/** Each key has itself as its value. */
export function filledMap(keys: readonly number[], options: FilledMapOptions = {}): ModelMap {
  const map = new ModelMap(options);
  for (const key of keys) map.alone(map.set(0, key, key));
  for (let i = 0; options.movesEpochs && i < 4; i++) map.alone(map.set(0, 2, 2));
  map.machine.snapshot();
  return map;
}
