/**
 * A network by name: `resnet50:width=32,stem=cifar`. One row a builder, with the parameters it takes; what is not
 * named stays at the builder's default.
 */
import type { Model } from "@cupel/onnx";
import {
  type InputSize,
  mobilenetV2,
  resnet18,
  resnet34,
  resnet50,
  resnetCifar,
  trainErrors,
} from "@cupel/train";
import { suggest } from "../arguments/suggest.ts";

export interface NetworkSpec {
  readonly name: string;
  /** As told; else from the images. */
  readonly classes: number | null;
  readonly input: InputSize | null;
  build(facts: NetworkFacts): Model;
}

export interface NetworkFacts {
  readonly classes: number;
  readonly input: InputSize;
  readonly seed: number;
}

interface Rule<T> {
  readonly expects: string;
  /** Undefined when the text is no value. */
  read(text: string): T | undefined;
}

const size: Rule<number> = {
  expects: "a whole number of at least 1",
  read: (text) => (/^[1-9]\d*$/.test(text) ? Number(text) : undefined),
};
const factor: Rule<number> = {
  expects: "a number above 0",
  read: (text) =>
    text !== "" && Number(text) > 0 && Number.isFinite(Number(text)) ? Number(text) : undefined,
};
const truth: Rule<boolean> = {
  expects: "true or false",
  read: (text) => (text === "true" ? true : text === "false" ? false : undefined),
};
const stem: Rule<"imagenet" | "cifar"> = {
  expects: "imagenet or cifar",
  read: (text) => (text === "imagenet" || text === "cifar" ? text : undefined),
};
const inputSize: Rule<InputSize> = {
  expects: "channels x height x width, such as 3x64x64",
  read(text) {
    const [, channels, height, width] = /^([1-9]\d*)x([1-9]\d*)x([1-9]\d*)$/.exec(text) ?? [];
    return width === undefined ? undefined : [Number(channels), Number(height), Number(width)];
  },
};

/** The value of a parameter where it is given, as an object to spread. */
type Take = <Key extends string, T>(key: Key, rule: Rule<T>) => { readonly [K in Key]?: T };

const resnet = (take: Take) => ({
  ...take("width", size),
  ...take("stem", stem),
  ...take("zeroInitResidual", truth),
});

const builders: Readonly<Record<string, (take: Take) => (facts: NetworkFacts) => Model>> = {
  resnet18(take) {
    const options = resnet(take);
    return (facts) => resnet18({ ...facts, ...options });
  },
  resnet34(take) {
    const options = resnet(take);
    return (facts) => resnet34({ ...facts, ...options });
  },
  resnet50(take) {
    const options = resnet(take);
    return (facts) => resnet50({ ...facts, ...options });
  },
  resnetCifar(take) {
    const options = { ...take("depth", size), ...take("width", size), ...take("zeroInitResidual", truth) };
    return (facts) => resnetCifar({ depth: 20, ...facts, ...options });
  },
  mobilenetV2(take) {
    const options = { ...take("width", factor), ...take("stem", stem) };
    return (facts) => mobilenetV2({ ...facts, ...options });
  },
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
  const texts = new Map<string, string>();
  for (const pair of list.split(",").filter((each) => each !== "")) {
    const [, key = "", text = ""] = /^([^=]*)=(.*)$/.exec(pair) ?? [];
    if (key === "" || texts.has(key)) throw invalid(spec, `"${pair}" is not one key=value each`);
    texts.set(key, text);
  }
  const known: string[] = [];
  const value = <T>(key: string, rule: Rule<T>): T | undefined => {
    known.push(key);
    const text = texts.get(key);
    if (text === undefined) return undefined;
    const found = rule.read(text);
    if (found === undefined) throw invalid(spec, `"${key}" must be ${rule.expects}, not "${text}"`);
    return found;
  };
  const take: Take = <Key extends string, T>(key: Key, rule: Rule<T>) => {
    const found = value(key, rule);
    // A computed key is a string to TypeScript, no longer this one.
    return (found === undefined ? {} : { [key]: found }) as { readonly [K in Key]?: T };
  };
  const classes = value("classes", size) ?? null;
  const input = value("input", inputSize) ?? null;
  const build = builders[name]!(take);
  const unknown = [...texts.keys()].find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw invalid(
      spec,
      `${name} has no parameter "${unknown}"; it has ${known.join(", ")}`,
      suggest(unknown, known),
    );
  }
  return { name, classes, input, build };
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
