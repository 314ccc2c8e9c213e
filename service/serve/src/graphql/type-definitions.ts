/**
 * The schema that clients see, in GraphQL's own language; docs/graphql.md shows it. Fields of the roots are not null: a refusal
 * of one of them is a refusal of the whole, with its status.
 */
export const typeDefinitions = /* GraphQL */ `
type Query {
  "What the server is, and whether it is ready."
  server: Server!
  "Every version of every model that the caller may list."
  models(
    "READY ones alone, or the others alone. Default: all."
    ready: Boolean
    "At most so many, 1 to 1000."
    first: Int! = 100
  ): [ModelEntry!]!
  "A model; nothing of it is looked up before it is asked for."
  model(name: String!, "Default: the current one." version: String): Model!
  "Counts and times since the server started, of each version that was asked."
  statistics("Default: all." model: String, version: String): [VersionStatistics!]!
  "Runs a model on tensors (action infer)."
  infer(
    model: String!
    "Default: the current one."
    version: String
    "Echoed."
    id: String
    inputs: [TensorInput!]!
    "Names of outputs. Default: all."
    outputs: [String!]
  ): Inference!
  "Tells what images show (action predict)."
  predict(
    model: String!
    "Default: the current one."
    version: String
    "Echoed."
    id: String
    images: [ImageInput!]!
    "Classes told of each image. Default 5."
    top: Int
    "Least score of what is told, 0 to 1. Default: the task's own."
    threshold: Float
    "Look for what a classifier knows in windows of a big picture. Default false."
    windows: Boolean
    "Send the picture back with what was found drawn into it. Default false."
    draw: Boolean
  ): Prediction!
}

type Mutation {
  "Reads the model's folder again: what is new or changed is loaded and then switched to (action load)."
  load(model: String!): Model!
  "Takes the model out of service; what it had accepted is answered (action unload)."
  unload(model: String!): Model!
}

type Subscription {
  "Every version as it is, then each change of one."
  modelChanges: ModelChange!
  "Answers to images one by one, as they are ready. An image that fails is an answer without a prediction, with its error."
  predictEach(
    model: String!
    "Default: the current one."
    version: String
    images: [ImageInput!]!
    "Classes told of each image. Default 5."
    top: Int
    "Least score of what is told, 0 to 1. Default: the task's own."
    threshold: Float
    "Look for what a classifier knows in windows of a big picture. Default false."
    windows: Boolean
    "Send the picture back with what was found drawn into it. Default false."
    draw: Boolean
  ): ImagePrediction!
}

"Base64 (RFC 4648, section 4)."
scalar Base64

"A file of a multipart request (graphql-multipart-request-spec)."
scalar Upload

"""
Elements of a tensor in row-major order, as one flat list. INT64 and UINT64 are decimal texts, so that no digit is lost; whole
numbers below 2^53 are also taken. BYTES are texts of base64. FP16, NaN and infinities have no form here: use base64.
"""
scalar TensorData

"An object of JSON as it was written, whatever members it has."
scalar JSON

enum Datatype {
  BOOL
  UINT8
  UINT16
  UINT32
  UINT64
  INT8
  INT16
  INT32
  INT64
  FP16
  FP32
  FP64
  BYTES
}

"Of bare pixels, of 8 bits."
enum PixelFormat {
  RGB
  I420
  NV12
}

enum ModelState {
  READY
  LOADING
  UNLOADING
  UNAVAILABLE
}

type Server {
  name: String!
  version: String!
  extensions: [String!]!
  "Whether every model that is to be served is ready."
  isReady: Boolean!
}

type ModelEntry {
  name: String!
  version: String!
  state: ModelState!
  "Why it is not ready, or why a ready one still answers from the file before."
  reason: String!
  model: Model!
}

type Model {
  name: String!
  "That was asked for; null: the current one."
  version: String
  "Action ready."
  isReady: Boolean!
  "Action metadata."
  metadata: ModelMetadata!
  "Action stats."
  statistics: [VersionStatistics!]!
  "How the very bytes in service were made: what cupel compress wrote beside them. Null where nothing of it lies there. Action metadata."
  report: JSON
}

type ModelMetadata {
  name: String!
  "Those that are ready, the current one last."
  versions: [String!]!
  platform: String!
  inputs: [TensorMetadata!]!
  outputs: [TensorMetadata!]!
  "What the file says of itself: task, classes, preprocessing."
  properties: [Property!]!
}

type TensorMetadata {
  name: String!
  datatype: Datatype!
  "-1 where a size is open."
  shape: [Int!]!
}

type Property {
  name: String!
  value: String!
}

type VersionStatistics {
  model: String!
  version: String!
  "In ms since 1970; 0 where it has not answered."
  lastInference: Float!
  "Rows answered: images of a batch count each."
  rows: Float!
  "Runs of the engine, in each of which requests may be joined."
  runs: Float!
  success: CountedTime!
  fail: CountedTime!
  queue: CountedTime!
  input: CountedTime!
  run: CountedTime!
}

type CountedTime {
  count: Float!
  "The sum."
  ms: Float!
}

"With data, or with base64: its bytes, little-endian and row-major; of BYTES each after its length in 4 bytes."
input TensorInput {
  name: String!
  datatype: Datatype!
  shape: [Int!]!
  data: TensorData
  base64: Base64
}

type Inference {
  model: String!
  "That answered."
  version: String!
  id: String
  "In the order asked for, else in the model's."
  outputs: [Tensor!]!
}

type Tensor {
  name: String!
  datatype: Datatype!
  shape: [Int!]!
  data: TensorData
  "Its bytes, little-endian and row-major."
  base64: Base64!
}

"An image file as base64 or as upload; or the bytes of bare pixels with their format, width and height."
input ImageInput {
  base64: Base64
  upload: Upload
  format: PixelFormat
  width: Int
  height: Int
}

type Prediction {
  model: String!
  "That answered."
  version: String!
  id: String
  "classification, detection ..."
  task: String!
  "One an image, in their order."
  answers: [Answer!]!
}

type ImagePrediction {
  "Of the image in the request."
  index: Int!
  "Of one answer; null where the image failed."
  prediction: Prediction
}

"Which members there are depends on the task."
type Answer {
  "Of the upright image, in pixels."
  width: Int!
  height: Int!
  "The likeliest first."
  classes: [ScoredClass!]
  boxes: [Box!]
  mask: Mask
  text: ReadText
  "Of a model of numbers or features."
  values: TensorData
  "A PNG."
  drawing: Base64
}

type ScoredClass {
  index: Int!
  "Null where nobody names the classes."
  name: String
  "0 to 1."
  score: Float!
}

"Edges in pixels of the upright image."
type Box {
  index: Int!
  name: String
  score: Float!
  left: Float!
  top: Float!
  right: Float!
  bottom: Float!
}

"A class a pixel, as a PNG of one channel in the size of the image, with the share of each class found."
type Mask {
  png: Base64!
  classes: [ScoredClass!]!
}

type ReadText {
  text: String!
  score: Float!
}

type ModelChange {
  name: String!
  version: String!
  "Null where the version is no more."
  state: ModelState
  reason: String!
}
`;
