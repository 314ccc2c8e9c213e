/** Models that nobody vouches for are tried in a process of their own before this one loads them: options of the commands that run models. */
import { CupelError } from "@cupel/base";
import { choosePreprocessing, modelInputs, openModel } from "@cupel/predict";
import { type Feeds, type Trial, type TrialOptions, tryIsolated } from "@cupel/runtime";
import { byteSize, flag, integer, invalid } from "../arguments/option.ts";
import type { Given } from "../arguments/parse.ts";
import type { CommandContext } from "../commands/command.ts";

const isolated = flag({
  name: "isolated",
  summary:
    "For a model that nobody vouches for: load it and run it once in a process of its own first, which ends where it crashes or goes over a limit",
});
const memoryLimit = byteSize({
  name: "memory-limit",
  summary: "Memory that the process which tries the model may have, itself included",
  fallback: "4 GiB, or half of what the machine has where that is less",
});
const timeLimit = integer({
  name: "time-limit",
  placeholder: "SECONDS",
  min: 1,
  summary: "Time that the process which tries the model may take",
  fallback: "120",
});

/** Of commands that try every model. */
export const limitOptions = [memoryLimit, timeLimit];
/** Of commands that try one where they are asked to. */
export const isolationOptions = [isolated, ...limitOptions];

const limitOf: ReadonlyMap<string, { readonly name: string }> = new Map([
  ["MODEL_OVER_MEMORY", memoryLimit],
  ["MODEL_OVER_TIME", timeLimit],
]);

/** Where no model is loaded. @throws OPTION_INVALID */
export function refuseIsolation(given: Given): void {
  const idle = isolationOptions.find((option) => given.has(option));
  if (idle) throw invalid(idle.name, "is of no use for a network by name: no file is loaded");
}

/** @throws what `tryIsolated` throws; the option is named where a limit is the reason */
export async function tryModel(
  path: string,
  given: Given,
  options: Omit<TrialOptions, "limits">,
): Promise<Trial> {
  const seconds = given.get(timeLimit);
  const limits = { memory: given.get(memoryLimit), time: seconds && seconds * 1000 };
  try {
    return await tryIsolated(path, { ...options, limits });
  } catch (thrown) {
    const limit = thrown instanceof CupelError ? limitOf.get(thrown.code) : undefined;
    if (!(thrown instanceof CupelError) || limit === undefined) throw thrown;
    const { code, spec, message, details } = thrown;
    throw new CupelError(code, spec, `${message} The option is --${limit.name}.`, { cause: thrown, details });
  }
}

/**
 * With --isolated, tries the model on what the command will feed it; else does nothing.
 * @param fed as the command is given it: `spec` is the preprocessing
 * @throws what `openModel`, `choosePreprocessing`, `modelInputs` and `tryIsolated` throw; OPTION_INVALID
 */
export async function tryIfIsolated(
  path: string,
  given: Given,
  fed: {
    readonly spec: string | undefined;
    readonly tensors?: Feeds | undefined;
    readonly executionProviders?: readonly string[] | undefined;
  },
  { threads, signal }: CommandContext,
): Promise<void> {
  if (!given.get(isolated)) {
    const idle = limitOptions.find((option) => given.has(option));
    if (idle) throw invalid(idle.name, "is of no use without --isolated");
    return;
  }
  const opened = await openModel(path);
  const { preprocessing } = choosePreprocessing(opened, fed.spec);
  const { forms } = modelInputs(opened.model, preprocessing, fed.tensors);
  const { executionProviders } = fed;
  await tryModel(path, given, { inputs: forms, executionProviders, threads, signal });
}
