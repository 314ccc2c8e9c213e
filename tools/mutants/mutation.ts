/** The mutants: one small lie about an operator each, which the tests of model/onnx must find. */

/** An edit of one module's text while it is loaded; the file stays as it is. */
export interface Mutation {
  readonly name: string;
  /** Relative to the root of the repository. */
  readonly file: string;
  /** Replaced in the text, and must stand there once; null to add `text` behind the end. */
  readonly find: string | null;
  readonly text: string;
}

/** A row of docs/operators.md, which a test holds to the tables. */
export interface DocumentedOperator {
  readonly name: string;
  readonly kind: string;
  readonly isEvaluated: boolean;
}

export function documentedOperators(document: string): DocumentedOperator[] {
  return document
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => {
      const [name = "", kind = "", evaluated = ""] = line
        .split("|")
        .slice(1)
        .map((cell) => cell.trim());
      return { name: name.replaceAll("`", ""), kind, isEvaluated: evaluated === "yes" };
    });
}

const evaluateFile = "model/onnx/src/evaluate/evaluate.ts";
const shapeFile = "model/onnx/src/shape/operators.ts";
const foldFile = "model/onnx/src/pass/fold-constants.ts";

/** Mutants that change nothing: they show that what the others add is understood. */
export const controls: readonly Mutation[] = [
  { name: "control: evaluation", file: evaluateFile, find: null, text: 'evaluations.get("Add")!;' },
  { name: "control: shapes", file: shapeFile, find: null, text: 'byName.get("Add")!.infer;' },
];

export function mutations(operators: readonly DocumentedOperator[]): Mutation[] {
  const neverFolded = operators
    .filter(({ isEvaluated }) => isEvaluated)
    .map(({ name }) => ({
      name: `${name} is never computed ahead`,
      file: evaluateFile,
      find: null,
      text: `evaluations.set("${name}", () => null);`,
    }));
  // The folder replaces these two itself.
  const foldedApart = ["Identity", "Constant"].map((name) => ({
    name: `${name} is never folded`,
    file: foldFile,
    find: `node.is("${name}")`,
    text: "Boolean(0)",
  }));
  // If is inferred from its branches, not by its row; the rows of Loop and Scan say nothing as it is.
  const unknownShape = operators
    .filter(({ kind }) => kind !== "control")
    .map(({ name }) => ({
      name: `the shapes of ${name} are unknown`,
      file: shapeFile,
      find: null,
      text: `byName.set("${name}", { ...byName.get("${name}")!, infer: () => [] });`,
    }));
  const joined = {
    name: "the shapes of If are unknown",
    file: "model/onnx/src/infer/propagate.ts",
    find: 'node.is("If") ? this.#join(node)',
    text: 'node.is("If") ? []',
  };
  return [...neverFolded, ...foldedApart, ...unknownShape, joined];
}
