/** Scalars that carry data: base64, files and the elements of tensors. */
import { own } from "@cupel/base";
import { GraphQLError, GraphQLScalarType, Kind, type ValueNode } from "graphql";
import { base64Bytes } from "../core/base64-bytes.ts";
import { textOf } from "./long-text.ts";
import { UploadedFile } from "./read-multipart.ts";

const invalid = (message: string) => new GraphQLError(message);

/** Bytes inside the server, text outside. */
export const base64Scalar = new GraphQLScalarType<Uint8Array, string>({
  name: "Base64",
  parseValue(value) {
    const text = textOf(value);
    const bytes = text === null ? null : base64Bytes(text);
    if (bytes) return bytes;
    throw invalid("This is not base64 (RFC 4648, section 4).");
  },
  serialize(value) {
    if (!(value instanceof Uint8Array)) throw new TypeError("not bytes");
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64");
  },
});

export const uploadScalar = new GraphQLScalarType<UploadedFile>({
  name: "Upload",
  parseValue(value) {
    if (value instanceof UploadedFile) return value;
    throw invalid("A file is sent as part of a form, and its variable is null.");
  },
  parseLiteral() {
    throw invalid("A file is sent as a variable.");
  },
  serialize() {
    throw new TypeError("not an output");
  },
});

/** Elements as they were sent: the datatype beside them says what they must be. */
export const tensorDataScalar = new GraphQLScalarType<readonly unknown[], readonly unknown[]>({
  name: "TensorData",
  parseValue(value) {
    if (Array.isArray(value)) return value;
    throw invalid("The elements of a tensor are one flat list.");
  },
  parseLiteral(node, variables) {
    if (node.kind === Kind.LIST) return node.values.map((each) => element(each, variables));
    throw invalid("The elements of a tensor are one flat list.");
  },
  serialize(value) {
    if (Array.isArray(value)) return value;
    throw new TypeError("not a list");
  },
});

/** What others wrote as JSON: it is told, and not asked for. */
export const jsonScalar = new GraphQLScalarType<never>({
  name: "JSON",
  parseValue() {
    throw new TypeError("not an input");
  },
});

function element(node: ValueNode, variables: Readonly<Record<string, unknown>> | null | undefined): unknown {
  switch (node.kind) {
    case Kind.INT: {
      const value = Number(node.value);
      return Number.isSafeInteger(value) ? value : node.value;
    }
    case Kind.FLOAT:
      return Number(node.value);
    case Kind.STRING:
    case Kind.BOOLEAN:
      return node.value;
    case Kind.VARIABLE:
      return own(variables ?? {}, node.name.value);
    default:
      throw invalid("An element of a tensor is a number, a text or a boolean.");
  }
}
