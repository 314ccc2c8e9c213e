/** What came of a job, as it lies in the shared folder. It says nothing of when and where, so that the same job has the same bytes. */
import { CupelError } from "@cupel/base";
import type { CompressedFile, MeasuredPoint, MeasuredRecipe } from "@cupel/compress";
import { jsonObject } from "./json-object.ts";
import { damaged } from "./shared-folder.ts";

interface Refused {
  readonly kind: "refused";
  readonly key: string;
  readonly code: string;
  readonly message: string;
}

export interface Measured {
  readonly kind: "measured";
  readonly key: string;
  /** SHA-256 of the written model. */
  readonly model: string;
  readonly point: MeasuredPoint;
  readonly file: CompressedFile;
  /** Sentences on what was done. */
  readonly notes: readonly string[];
}

export type JobResult = Refused | Measured;

/** What a recipe may come to on a model: it is a result, and the same on every machine. */
const refusals: readonly string[] = ["FLOOR_MISSED", "BUDGET_UNREACHABLE", "OUTPUT_UNSUPPORTED"];

export function isRefusal(thrown: unknown): thrown is CupelError {
  return thrown instanceof CupelError && refusals.includes(thrown.code);
}

export function refusedJson(key: string, { code, message }: CupelError): string {
  return `${JSON.stringify({ kind: "refused", key, code, message } satisfies Refused)}\n`;
}

export function measuredJson(
  key: string,
  model: string,
  { point, file }: MeasuredRecipe,
  notes: readonly string[],
): string {
  const correspondence = Array.from(file.correspondence, ([name, counterpart]) => [
    name,
    { ...counterpart, factors: counterpart.factors && [...counterpart.factors] },
  ]);
  return `${JSON.stringify({ kind: "measured", key, model, point, file: { ...file, correspondence }, notes })}\n`;
}

/** @param json of a file that the same version wrote. @throws QUEUE_RESULT_DAMAGED where it is none of `key` */
export function readResult(json: unknown, key: string, path: string): JobResult {
  if (!isResult(json, key)) throw damaged(path);
  if (json.kind === "refused") return json;
  const { correspondence } = json.file;
  const entries: Iterable<[string, Counterpart]> = correspondence;
  const revived = Array.from(entries, ([name, counterpart]): [string, Counterpart] => [
    name,
    { ...counterpart, factors: counterpart.factors && Float32Array.from(counterpart.factors) },
  ]);
  return { ...json, file: { ...json.file, correspondence: new Map(revived) } };
}

type Counterpart = CompressedFile["correspondence"] extends ReadonlyMap<string, infer Each> ? Each : never;

function isResult(json: unknown, key: string): json is JobResult {
  const { key: own, kind, model } = jsonObject(json) ?? {};
  return own === key && (kind === "refused" || (kind === "measured" && typeof model === "string"));
}
