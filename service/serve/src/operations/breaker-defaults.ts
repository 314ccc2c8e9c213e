/** What suspends a version of a model where the configuration does not say otherwise. */
import type { BreakerOptions } from "@cupel/base";

export const breakerDefaults: BreakerOptions = {
  windowMs: 30_000,
  minimumCalls: 20,
  errorShare: 0.5,
  openMs: 5_000,
  probes: 2,
};
