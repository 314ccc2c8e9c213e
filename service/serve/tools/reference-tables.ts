/**
 * The tables of docs/ that the server has itself: its errors, its metrics, its settings. A page has each between two marks,
 * `<!-- table NAME -->` and `<!-- end -->`; `npm run tables` writes what lies between, and a test compares it.
 */
import { baseErrors, type ErrorSpec, own } from "@cupel/base";
import { onnxErrors } from "@cupel/onnx";
import { predictErrors } from "@cupel/predict";
import { runtimeErrors } from "@cupel/runtime";
import Type, { type TSchema } from "typebox";
import { serveErrors } from "../src/errors.ts";
import { fixedLimits } from "../src/graphql/limits/limits.ts";
import { typeDefinitions } from "../src/graphql/type-definitions.ts";
import { configSchema } from "../src/operations/config/config-schema.ts";
import { expectedAt } from "../src/operations/config/load-config.ts";
import { metricTable } from "../src/operations/metric-table.ts";

/** Relative to the repository. */
export const pages = [
  "docs/errors.md",
  "docs/graphql.md",
  "docs/serving-metrics.md",
  "docs/serving-settings.md",
] as const;

const tables: Readonly<Record<string, () => string>> = {
  "errors of serving": () => errorTable(Object.entries<ErrorSpec>(serveErrors.specs)),
  "errors of a request": () => errorTable(ofRequests),
  "errors of a load": () => errorTable(ofLoads),
  metrics: metricsTable,
  settings: settingsTable,
  "limits of documents": documentLimitsTable,
  "schema of GraphQL": () => `\`\`\`graphql\n${typeDefinitions.trim()}\n\`\`\``,
};

/** The page with its tables as they are now. */
export function withTables(page: string): string {
  return page.replaceAll(
    /(<!-- table ([\w ]+) -->\n).*?(<!-- end -->)/gs,
    (_, begin: string, name: string, end: string) => {
      const table = own(tables, name);
      if (table === undefined) throw new Error(`There is no table "${name}".`);
      return `${begin}${table()}\n${end}`;
    },
  );
}

/** Codes of other packages that a request can end with. */
const ofRequests = [
  ...some(baseErrors.specs, ["DEADLINE_EXCEEDED", "CANCELLED", "THREAD_CRASHED", "INTERNAL"]),
  ...some(runtimeErrors.specs, [
    "INPUT_MISSING",
    "INPUT_UNKNOWN",
    "INPUT_SHAPE_MISMATCH",
    "TENSOR_TYPE_MISMATCH",
    "OUTPUT_UNKNOWN",
    "RUN_FAILED",
  ]),
  ...some(predictErrors.specs, ["INPUT_UNSUPPORTED"]),
  ...some(baseErrors.specs, ["OPTION_INVALID"]),
];

/** Codes of other packages that a model can be refused with. */
const ofLoads = [
  ...some(baseErrors.specs, ["MODEL_NOT_FOUND", "WRITE_FAILED"]),
  ...some(onnxErrors.specs, [
    "MODEL_NOT_PROTOBUF",
    "MODEL_PACKED",
    "MODEL_TRUNCATED",
    "MODEL_TOO_NEW",
    "MODEL_INVALID",
    "LOADING_TOO_LARGE",
    "EXTERNAL_DATA_MISSING",
  ]),
  ...some(runtimeErrors.specs, [
    "MODEL_LOAD_FAILED",
    "MODEL_UNSUPPORTED_BY_ENGINE",
    "MODEL_CRASHED_ENGINE",
    "MODEL_OVER_MEMORY",
    "MODEL_OVER_TIME",
    "INPUT_TOO_LARGE",
  ]),
];

function some<Code extends string>(
  specs: Readonly<Record<Code, ErrorSpec>>,
  codes: readonly Code[],
): [string, ErrorSpec][] {
  return codes.map((code) => [code, specs[code]]);
}

function errorTable(rows: readonly [string, ErrorSpec][]): string {
  return table(
    ["Code", "Meaning", "HTTP", "gRPC", "Again?", "What is told"],
    rows.map(([code, { meaning, http, grpc, retryable, public: isPublic }]) => [
      `\`${code}\``,
      meaning,
      String(http),
      grpc,
      retryable ? "yes" : "no",
      isPublic ? "message, details" : "meaning",
    ]),
  );
}

function metricsTable(): string {
  return table(
    ["Metric", "Kind", "Labels", "Of many processes", "What it is"],
    Object.values(metricTable).map(({ name, kind, labels, aggregation, help }) => [
      `\`${name}\``,
      kind,
      labels.join(", "),
      aggregation,
      help,
    ]),
  );
}

const documentLimits: Readonly<Record<keyof typeof fixedLimits, string>> = {
  characters: "Of the document: images and tensors are variables",
  tokens: "Words and marks of it",
  nesting: "Braces, brackets and parentheses within each other",
  directives: "In the whole document",
  definitions: "Operations and fragments",
  aliases: "With those of fragments wherever they are spread",
  fields: "The same",
  repeats: "Fields that stand where one of the same name stands already",
};

function documentLimitsTable(): string {
  return table(
    ["Limit", "At most", "Of what"],
    Object.entries(fixedLimits).map(([name, most]) => [
      `\`${name}\``,
      String(most),
      documentLimits[name as keyof typeof fixedLimits],
    ]),
  );
}

function settingsTable(): string {
  return table(["Setting", "Takes", "Default", "What it is"], settingRows(configSchema, ""));
}

function settingRows(schema: TSchema, name: string): string[][] {
  const inside = insideOf(schema);
  // What a row of models overrides stands under its own name already.
  const isRepeated = Type.IsOptional(schema);
  const isSection = Type.IsObject(schema) && !isRepeated;
  const own = isSection ? [] : [[`\`${name}\``, takes(schema, inside), defaultOf(schema), meaningOf(schema)]];
  if (inside === null || isRepeated) return own;
  const prefix = Type.IsArray(schema) ? `${name}[].` : name === "" ? "" : `${name}.`;
  const properties = Object.entries(inside.properties);
  return [...own, ...properties.flatMap(([key, its]) => settingRows(its, `${prefix}${key}`))];
}

/** The object that a setting is or may be, or that a list has. */
function insideOf(schema: TSchema) {
  const candidates = Type.IsUnion(schema) ? schema.anyOf : Type.IsArray(schema) ? [schema.items] : [schema];
  return candidates.find((each) => Type.IsObject(each)) ?? null;
}

function takes(schema: TSchema, inside: TSchema | null): string {
  if (inside === null) return expectedAt(schema, []);
  if (Type.IsArray(schema)) return "a list";
  return Type.IsUnion(schema) ? "an object, or null" : "an object";
}

function defaultOf(schema: TSchema): string {
  if (Type.IsOptional(schema)) return "none";
  return "default" in schema ? `\`${JSON.stringify(schema.default)}\`` : "must be given";
}

function meaningOf(schema: TSchema): string {
  return "description" in schema ? String(schema.description) : "";
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), `|${" --- |".repeat(head.length)}`, ...rows.map(line)].join("\n");
}
