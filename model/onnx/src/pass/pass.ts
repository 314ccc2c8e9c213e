/**
 * The contract of everything that rewrites a graph. A pass edits the model in place, tells whether it
 * did, and what a person may want to know. Passes run in a row; the checker may run between them.
 */
import { CupelError } from "@cupel/base";
import { checkModel } from "../analyse/check.ts";
import { onnxErrors } from "../errors.ts";
import type { Model } from "../graph/index.ts";

export interface PassResult {
  readonly modified: boolean;
  /** Sentences for the log, such as "folded 53 BatchNormalization into Conv". */
  readonly notes: readonly string[];
}

export interface Pass<Context = void> {
  /** Verb and object, such as "fold-batch-norm". */
  readonly name: string;
  /** MUST leave the model valid, and unchanged when it returns `modified: false`. */
  run(model: Model, context: Context): PassResult;
}

/** Runs passes in order; checks the graph after each that changed it, so that the guilty one is named. */
export function runPasses(model: Model, passes: readonly Pass[]): PassResult;
export function runPasses<Context>(
  model: Model,
  passes: readonly Pass<Context>[],
  context: Context,
): PassResult;
export function runPasses<Context>(
  model: Model,
  passes: readonly Pass<Context | undefined>[],
  context?: Context,
): PassResult {
  let modified = false;
  const notes: string[] = [];
  for (const pass of passes) {
    const result = pass.run(model, context);
    notes.push(...result.notes);
    if (!result.modified) continue;
    modified = true;
    try {
      checkModel(model);
    } catch (thrown) {
      if (!(thrown instanceof CupelError)) throw thrown;
      throw onnxErrors.error(
        "GRAPH_EDIT_INVALID",
        `The pass ${pass.name} broke the graph: ${thrown.message}`,
        {
          cause: thrown,
        },
      );
    }
  }
  return { modified, notes };
}
