/** Snapshots as files: JSON with the version of its form. A later version is refused rather than half understood. */
import { conforms, reasonOf, type Schema } from "@cupel/base";
import { envTraceErrors } from "../errors.ts";
import type { Snapshot } from "./snapshot.ts";
import { sourceKinds } from "./source-kinds.ts";

const format = "cupel-environment-snapshot";
const version = 1;

const count: Schema = { type: "integer", minimum: 0 };

const variableSchema: Schema = {
  type: "object",
  required: ["name", "source"],
  additionalProperties: false,
  properties: {
    name: { type: "string", minLength: 1 },
    length: count,
    digest: { type: "string", pattern: "^[0-9a-f]{64}$" },
    computed: { type: "string" },
    source: count,
    line: count,
  },
};

const snapshotSchema: Schema = {
  type: "object",
  required: ["format", "version", "takenAt", "keyId", "isCaseBlind", "state", "sources", "environments"],
  additionalProperties: false,
  properties: {
    format: { enum: [format] },
    version: { type: "integer", minimum: version, maximum: version },
    takenAt: { type: "string", pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$" },
    keyId: { type: "string", pattern: "^[0-9a-f]{16}$" },
    isCaseBlind: { type: "boolean" },
    state: { enum: ["persistent", "live", "mixed"] },
    sources: {
      type: "array",
      items: {
        type: "object",
        required: ["kind", "place"],
        additionalProperties: false,
        properties: { kind: { enum: Object.keys(sourceKinds) }, place: { type: "string" } },
      },
    },
    environments: {
      type: "array",
      items: {
        type: "object",
        required: ["scope", "variables"],
        additionalProperties: false,
        properties: {
          scope: { type: "string", minLength: 1 },
          variables: { type: "array", items: variableSchema },
        },
      },
    },
  },
};

/** Members that are null are left out. */
interface SnapshotDocument extends Omit<Snapshot, "takenAt" | "environments"> {
  readonly takenAt: string;
  readonly environments: readonly {
    readonly scope: string;
    readonly variables: readonly {
      readonly name: string;
      readonly length?: number;
      readonly digest?: string;
      readonly computed?: string;
      readonly source: number;
      readonly line?: number;
    }[];
  }[];
}

export function formatSnapshot(snapshot: Snapshot): string {
  const { takenAt, environments, keyId, isCaseBlind, state, sources } = snapshot;
  const document = {
    format,
    version,
    takenAt: new Date(takenAt).toISOString(),
    keyId,
    isCaseBlind,
    state,
    sources,
    environments: environments.map(({ scope, variables }) => ({
      scope,
      variables: variables.map((variable) =>
        Object.fromEntries(Object.entries(variable).filter(([, value]) => value !== null)),
      ),
    })),
  };
  return `${JSON.stringify(document, null, 1)}\n`;
}

/** @param where for messages. @throws ENV_SNAPSHOT_INVALID, ENV_SNAPSHOT_NEWER */
export function parseSnapshot(text: string, where: string): Snapshot {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    throw invalid(where, `it is no JSON: ${reasonOf(thrown)}`, thrown);
  }
  const said =
    typeof value === "object" && value !== null && "format" in value && "version" in value ? value : null;
  if (said?.format !== format) throw invalid(where, `it has not the format "${format}"`);
  if (typeof said.version === "number" && said.version > version) {
    throw envTraceErrors.error(
      "ENV_SNAPSHOT_NEWER",
      `${where} has version ${said.version} of its form, and this Cupel knows ${version}. Read it with a later Cupel.`,
      { details: { file: where, version: said.version } },
    );
  }
  if (!isDocument(value)) throw invalid(where, "it was changed, or is not whole");
  const sources = value.sources.length;
  const snapshot = {
    takenAt: Date.parse(value.takenAt),
    keyId: value.keyId,
    isCaseBlind: value.isCaseBlind,
    state: value.state,
    sources: value.sources,
    environments: value.environments.map(({ scope, variables }) => ({
      scope,
      variables: variables.map(
        ({ name, length = null, digest = null, computed = null, source, line = null }) => {
          const isWhole =
            computed === null ? length !== null && digest !== null : length === null && digest === null;
          if (!isWhole || source >= sources) throw invalid(where, "a variable in it is not whole");
          return { name, length, digest, computed, source, line };
        },
      ),
    })),
  };
  if (Number.isNaN(snapshot.takenAt)) throw invalid(where, "the time in it is none");
  return snapshot;
}

function isDocument(value: unknown): value is SnapshotDocument {
  return conforms(snapshotSchema, value);
}

function invalid(where: string, problem: string, cause?: unknown) {
  return envTraceErrors.error("ENV_SNAPSHOT_INVALID", `${where} is no snapshot: ${problem}.`, {
    cause,
    details: { file: where },
  });
}
