/**
 * How the engine is set up for sessions that look at some images and are closed. Its threads do not spin while they
 * wait: this thread watches the results of one run, and others decode images, while the engine works on the next,
 * and would be kept from their cores. And it makes no memory pattern: on a SqueezeNet-like network of 224 x 224
 * pixels that took a tenth of the whole process's memory.
 */
import type { EngineTuning } from "@cupel/runtime";

export const engineTuning: EngineTuning = {
  memoryPattern: false,
  configEntries: { "session.intra_op.allow_spinning": "0" },
};
