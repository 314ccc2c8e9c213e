/**
 * What an operation asks for at most: an object counts one, a run of a model a hundred, and what is inside a list counts as
 * often as the list may be long. Lengths are known before anything runs: from the arguments, or from the table.
 */
import { own } from "@cupel/base";
import {
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  getOperationAST,
  isObjectType,
  Kind,
  type SelectionSetNode,
  type ValueNode,
} from "graphql";
import { assertAtMost } from "./limits.ts";

/** An argument of the field, or of the nearest one around it that has it, as it was sent; undefined where it was not. */
type Asked = (name: string) => unknown;

interface CostRow {
  /** Default 1 of an object, 0 of a scalar. */
  readonly cost?: number;
  /** Length of a list. Default 1. */
  readonly size?: (asked: Asked) => number;
}

const lengthOf = (value: unknown): number => (Array.isArray(value) ? value.length : 1);
const numberOf = (value: unknown, otherwise: number): number =>
  typeof value === "number" && value > 0 ? value : otherwise;

const aRun = 100;

/** Adding a list to the schema is adding a row here; a test says which lack one. */
export const costTable: ReadonlyMap<string, CostRow> = new Map<string, CostRow>([
  ["Query.models", { size: (asked) => numberOf(asked("first"), 100) }],
  ["Query.statistics", { size: () => 100 }],
  ["Query.infer", { cost: aRun }],
  ["Query.predict", { cost: aRun }],
  ["Mutation.load", { cost: aRun }],
  ["Mutation.unload", { cost: aRun }],
  ["Subscription.predictEach", { cost: aRun, size: (asked) => lengthOf(asked("images")) }],
  ["Model.statistics", { cost: 5, size: () => 2 }],
  ["Model.metadata", { cost: 5 }],
  // Of a network of a thousand layers it has 30 MB.
  ["Model.report", { cost: 1_000 }],
  ["ModelMetadata.inputs", { size: () => 2 }],
  ["ModelMetadata.outputs", { size: () => 2 }],
  ["ModelMetadata.properties", { size: () => 10 }],
  ["Inference.outputs", { size: () => 2 }],
  ["Prediction.answers", { size: (asked) => lengthOf(asked("images")) }],
  ["Answer.classes", { size: (asked) => numberOf(asked("top"), 5) }],
  ["Answer.boxes", { size: () => 10 }],
  ["Mask.classes", { size: () => 10 }],
]);

export interface CostQuestion {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operationName?: string | null | undefined;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** Of a valid document that is measured. @throws QUERY_TOO_COMPLEX */
export function assertCost({ schema, document, operationName, variables }: CostQuestion, most: number): void {
  const operation = getOperationAST(document, operationName);
  const root = operation && schema.getRootType(operation.operation);
  if (!operation || !root) return;
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const node of document.definitions) {
    if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node);
  }
  const defaults = new Map(
    operation.variableDefinitions?.map(({ variable, defaultValue }) => [variable.name.value, defaultValue]),
  );
  const sentValue = (node: ValueNode | undefined): unknown => {
    switch (node?.kind) {
      case Kind.VARIABLE: {
        const name = node.name.value;
        return Object.hasOwn(variables, name) ? own(variables, name) : sentValue(defaults.get(name));
      }
      case Kind.LIST:
        return node.values;
      case Kind.INT:
        return Number(node.value);
      default:
        return undefined;
    }
  };

  let total = 0;
  const add = (set: SelectionSetNode, type: GraphQLObjectType, times: number, around: Asked): void => {
    for (const node of set.selections) {
      if (node.kind === Kind.INLINE_FRAGMENT) add(node.selectionSet, type, times, around);
      else if (node.kind === Kind.FRAGMENT_SPREAD) {
        const fragment = fragments.get(node.name.value);
        if (fragment) add(fragment.selectionSet, type, times, around);
      } else {
        const asked: Asked = (name) => {
          const given = node.arguments?.find((each) => each.name.value === name);
          return given === undefined ? around(name) : sentValue(given.value);
        };
        const row = costTable.get(`${type.name}.${node.name.value}`);
        const field = type.getFields()[node.name.value];
        const inner = field && getNamedType(field.type);
        const count = times * (row?.size?.(asked) ?? 1);
        total += (row?.cost ?? 0) * times + (isObjectType(inner) ? count : 0);
        assertAtMost("cost", Math.ceil(total), most);
        if (node.selectionSet && isObjectType(inner)) add(node.selectionSet, inner, count, asked);
      }
    }
  };
  add(operation.selectionSet, root, 1, () => undefined);
}
