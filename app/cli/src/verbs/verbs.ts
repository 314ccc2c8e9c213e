/** Every verb, in the order of the help. Adding one is adding a row. */
import { benchModelVerb } from "./bench-model.ts";
import { compressVerb } from "./compress.ts";
import { demoVerb } from "./demo.ts";
import { evalVerb } from "./eval.ts";
import { inspectVerb } from "./inspect.ts";
import { trainVerb } from "./train.ts";
import type { Verb } from "./verb.ts";

export const verbs: readonly Verb[] = [
  compressVerb,
  trainVerb,
  evalVerb,
  inspectVerb,
  benchModelVerb,
  demoVerb,
];
