/**
 * A network by name: `resnet50:width=32,stem=cifar`. One row for each builder, with the parameters it takes; the
 * others have the builder's default.
 */
import { conforms, expectation, own, type Schema, suggest } from "@cupel/base";
import type { Model } from "@cupel/onnx";
import type { XStatic } from "typebox/schema";
import { trainErrors } from "../errors.ts";
import { mobilenetV2 } from "./mobilenet-v2.ts";
import type { InputSize } from "./network-builder.ts";
import { resnet18, resnet34, resnet50 } from "./resnet.ts";
import { resnetCifar } from "./resnet-cifar.ts";

export interface NetworkSpec {
  readonly name: string;
  /** As given; null for those of the images. */
  readonly classes: number | null;
  readonly input: InputSize | null;
  build(facts: NetworkFacts): Model;
}

export interface NetworkFacts {
  readonly classes: number;
  readonly input: InputSize;
  readonly seed: number;
}

const count = { type: "integer", minimum: 1 } as const;
const truth = { type: "boolean" } as const;
const stem = { enum: ["imagenet", "cifar"], expects: "imagenet or cifar" } as const;
const factor = { type: "number", exclusiveMinimum: 0 } as const;
const input = {
  type: "array",
  items: count,
  expects: "channels x height x width, such as 3x64x64",
} as const satisfies Schema;

type Parameters = Extract<Schema, { type: "object" }>;

interface Row {
  readonly parameters: Parameters["properties"];
  /** @param given what conforms to the parameters */
  build(facts: NetworkFacts, given: unknown): Model;
}

/** @param isGiven says that a value conforms to `parameters` */
function row<Given>(
  parameters: Parameters,
  isGiven: (value: unknown) => value is Given,
  build: (facts: NetworkFacts, given: Given) => Model,
): Row {
  return {
    parameters: parameters.properties,
    build(facts, given) {
      if (!isGiven(given)) throw new TypeError(`${JSON.stringify(given)} was not checked`);
      return build(facts, given);
    },
  };
}

const none = { type: "object", required: [], additionalProperties: false } as const;
const resnet = { ...none, properties: { width: count, stem, zeroInitResidual: truth } } as const;
const cifar = { ...none, properties: { depth: count, width: count, zeroInitResidual: truth } } as const;
const mobile = { ...none, properties: { width: factor, stem } } as const;
const isResnet = (value: unknown): value is XStatic<typeof resnet> => conforms(resnet, value);
const isCifar = (value: unknown): value is XStatic<typeof cifar> => conforms(cifar, value);
const isMobile = (value: unknown): value is XStatic<typeof mobile> => conforms(mobile, value);

const builders: Readonly<Record<string, Row>> = {
  resnet18: row(resnet, isResnet, (facts, given) => resnet18({ ...facts, ...given })),
  resnet34: row(resnet, isResnet, (facts, given) => resnet34({ ...facts, ...given })),
  resnet50: row(resnet, isResnet, (facts, given) => resnet50({ ...facts, ...given })),
  resnetCifar: row(cifar, isCifar, (facts, given) => resnetCifar({ depth: 20, ...facts, ...given })),
  mobilenetV2: row(mobile, isMobile, (facts, given) => mobilenetV2({ ...facts, ...given })),
};

export const networkNames: readonly string[] = Object.keys(builders);

/** @throws TRAINING_CONFIG_INVALID */
export function parseNetwork(spec: string): NetworkSpec {
  const [, name = "", , list = ""] = /^([^:]*)(:(.*))?$/.exec(spec) ?? [];
  if (!Object.hasOwn(builders, name)) {
    throw invalid(
      spec,
      `there is no network "${name}"; a file ends in .onnx or .json, and the networks are ${networkNames.join(", ")}`,
      suggest(name, networkNames),
    );
  }
  const { parameters, build } = own(builders, name)!;
  const known: Readonly<Record<string, Schema>> = { ...parameters, classes: count, input };
  const given = new Map<string, unknown>();
  for (const pair of list.split(",").filter((each) => each !== "")) {
    const [, key = "", text = ""] = /^([^=]*)=(.*)$/.exec(pair) ?? [];
    if (key === "" || given.has(key)) throw invalid(spec, `"${pair}" is not one key=value each`);
    if (!Object.hasOwn(known, key)) {
      const names = Object.keys(known);
      throw invalid(
        spec,
        `${name} has no parameter "${key}"; it has ${names.join(", ")}`,
        suggest(key, names),
      );
    }
    const value = jsonOf(text, own(known, key)!);
    if (!conforms(own(known, key)!, value)) {
      throw invalid(spec, `"${key}" must be ${expectation(own(known, key)!)}, not "${text}"`);
    }
    given.set(key, value);
  }
  const { classes, input: size, ...parametersGiven } = Object.fromEntries(given);
  return {
    name,
    classes: typeof classes === "number" ? classes : null,
    input: isInputSize(size) ? size : null,
    build: (facts) => build(facts, parametersGiven),
  };
}

/** The text as a JSON value of the schema's type, where it is one. */
function jsonOf(text: string, schema: Schema): unknown {
  if (schema === input) {
    const sizes = text.split("x");
    return sizes.length === 3 ? sizes.map((size) => jsonOf(size, count)) : text;
  }
  if ("type" in schema && schema.type === "boolean")
    return text === "true" || (text === "false" ? false : text);
  return text.trim() === "" || Number.isNaN(Number(text)) ? text : Number(text);
}

function isInputSize(value: unknown): value is InputSize {
  return Array.isArray(value) && value.length === 3 && conforms(input, value);
}

function invalid(spec: string, problem: string, near: string | null = null) {
  const advice = near === null ? "" : ` Did you mean ${near}?`;
  return trainErrors.error(
    "TRAINING_CONFIG_INVALID",
    `The network "${spec}" cannot be built: ${problem}.${advice}`,
    {
      details: { network: spec, suggestion: near },
    },
  );
}
