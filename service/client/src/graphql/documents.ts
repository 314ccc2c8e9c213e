/**
 * The operations that the face sends, one a call, and what the server answers to each (docs/graphql.md). All of a text but its
 * variables is always the same, so that the server parses it once.
 */
import type { IndexEntry, ServerMetadata, TensorMetadata, VersionStatistics } from "../messages/metadata.ts";
import type { ToldBox, ToldClass } from "../messages/prediction.ts";

/** The most that `models` tells. */
export const mostModels = 1_000;

const tensor = "name datatype shape";
const classes = "classes { index name score }";
const counted = "{ count ms }";

export const documents = {
  ready: "{ server { isReady } }",
  modelReady:
    "query ($model: String!, $version: String) { model(name: $model, version: $version) { isReady } }",
  serverMetadata: "{ server { name version extensions } }",
  modelMetadata: `query ($model: String!, $version: String) { model(name: $model, version: $version) { metadata {
    name versions platform inputs { ${tensor} } outputs { ${tensor} } properties { name value }
  } } }`,
  infer: `query ($model: String!, $version: String, $id: String, $inputs: [TensorInput!]!, $outputs: [String!]) {
    infer(model: $model, version: $version, id: $id, inputs: $inputs, outputs: $outputs) {
      model version id outputs { ${tensor} base64 }
    }
  }`,
  predict: `query (
    $model: String!, $version: String, $id: String, $images: [ImageInput!]!
    $top: Int, $threshold: Float, $windows: Boolean, $draw: Boolean
  ) {
    predict(
      model: $model, version: $version, id: $id, images: $images
      top: $top, threshold: $threshold, windows: $windows, draw: $draw
    ) {
      model version id task answers {
        width height ${classes} boxes { index name score left top right bottom }
        mask { png ${classes} } text { text score } values drawing
      }
    }
  }`,
  index: `{ models(first: ${mostModels}) { name version state reason } }`,
  load: "mutation ($model: String!) { load(model: $model) { name } }",
  unload: "mutation ($model: String!) { unload(model: $model) { name } }",
  statistics: `query ($model: String) { statistics(model: $model) {
    model version lastInference rows runs
    success ${counted} fail ${counted} queue ${counted} input ${counted} run ${counted}
  } }`,
} as const;

export type OperationName = keyof typeof documents;

export interface ToldTensor extends TensorMetadata {
  readonly base64: string;
}

export interface ToldInference {
  readonly model: string;
  readonly version: string;
  readonly id: string | null;
  readonly outputs: readonly ToldTensor[];
}

export interface ToldAnswer {
  readonly width: number;
  readonly height: number;
  readonly classes: readonly ToldClass[] | null;
  readonly boxes: readonly ToldBox[] | null;
  readonly mask: { readonly png: string; readonly classes: readonly ToldClass[] } | null;
  readonly text: { readonly text: string; readonly score: number } | null;
  readonly values: readonly number[] | null;
  readonly drawing: string | null;
}

export interface ToldPrediction {
  readonly model: string;
  readonly version: string;
  readonly id: string | null;
  readonly task: string;
  readonly answers: readonly ToldAnswer[];
}

export interface ToldModel {
  readonly name: string;
  readonly versions: readonly string[];
  readonly platform: string;
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
  readonly properties: readonly { readonly name: string; readonly value: string }[];
}

/** `data` of each operation's answer. */
export interface Told {
  readonly ready: { readonly server: { readonly isReady: boolean } };
  readonly modelReady: { readonly model: { readonly isReady: boolean } };
  readonly serverMetadata: { readonly server: ServerMetadata };
  readonly modelMetadata: { readonly model: { readonly metadata: ToldModel } };
  readonly infer: { readonly infer: ToldInference };
  readonly predict: { readonly predict: ToldPrediction };
  readonly index: { readonly models: readonly IndexEntry[] };
  readonly load: { readonly load: { readonly name: string } };
  readonly unload: { readonly unload: { readonly name: string } };
  readonly statistics: { readonly statistics: readonly VersionStatistics[] };
}
