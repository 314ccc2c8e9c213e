/**
 * The contract of everything that rewrites a graph. A pass edits the model in place, tells whether it did, and
 * what a person may want to know. What it requires and ensures is checked, and so is the graph after each
 * pass that changed it, so that the guilty one is named. A sequence of passes is a pass.
 *
 * A pass may edit while it walks the nodes (see NodeList). Operators it does not know it leaves as they are,
 * or refuses by name.
 */
import { CupelError } from "@cupel/base";
import { checkModel } from "../analyse/check.ts";
import { onnxErrors } from "../errors.ts";
import type { Model } from "../graph/index.ts";
import { brokenCondition, type Condition } from "./condition.ts";

export interface PassResult {
  readonly modified: boolean;
  /** Sentences for the log, such as "folded 53 BatchNormalization into Conv". */
  readonly notes: readonly string[];
}

/** A pass without a context takes none. */
export type ContextOf<Context> = undefined extends Context ? [context?: undefined] : [context: Context];

export interface Pass<Context = undefined> {
  /** Verb and object, such as "fold-batch-norm". */
  readonly name: string;
  /** What the pass relies on. Default: nothing but a valid graph. */
  readonly requires?: readonly Condition[];
  /** What holds afterwards, changed or not. Default: nothing but a valid graph. */
  readonly ensures?: readonly Condition[];
  /** MUST leave the model valid, and unchanged when it returns `modified: false`. Call `runPasses` instead. */
  run(model: Model, ...context: ContextOf<Context>): PassResult;
}

/**
 * Runs passes in order on a model that is valid: what is wrong with it before is not blamed on a pass.
 * @throws MODEL_INVALID before anything changed; PASS_CONDITION_UNMET naming the pass and the condition; GRAPH_EDIT_INVALID naming the pass; what passes throw
 */
export function runPasses<Context = undefined>(
  model: Model,
  passes: readonly Pass<Context>[],
  ...context: ContextOf<Context>
): PassResult {
  checkModel(model);
  let modified = false;
  const notes: string[] = [];
  for (const pass of passes) {
    demand(model, pass, "requires");
    const result = pass.run(model, ...context);
    notes.push(...result.notes);
    if (result.modified) {
      modified = true;
      checkAfter(model, pass);
    }
    demand(model, pass, "ensures");
  }
  return { modified, notes };
}

/** Passes that run in order, as one. Each keeps its own conditions. */
export function passSequence<Context = undefined>(
  name: string,
  passes: readonly Pass<Context>[],
): Pass<Context> {
  return { name, run: (model, ...context) => runPasses(model, passes, ...context) };
}

function demand<Context>(model: Model, pass: Pass<Context>, when: "requires" | "ensures"): void {
  const broken = brokenCondition(model, pass[when] ?? []);
  if (broken === null) return;
  const what = when === "requires" ? "which does not hold" : "but left the model without it";
  throw onnxErrors.error("PASS_CONDITION_UNMET", `The pass ${pass.name} ${when} ${broken}, ${what}.`, {
    details: { pass: pass.name },
  });
}

function checkAfter<Context>(model: Model, pass: Pass<Context>): void {
  try {
    checkModel(model);
  } catch (thrown) {
    if (!(thrown instanceof CupelError)) throw thrown;
    throw onnxErrors.error("GRAPH_EDIT_INVALID", `The pass ${pass.name} broke the graph: ${thrown.message}`, {
      cause: thrown,
    });
  }
}
