/**
 * A training as a file: JSON with the names of the options in camelCase as keys, and "network" for what is trained.
 * What is also given on the command line goes before it. Unknown keys are errors.
 */
import { readFile } from "node:fs/promises";
import { reasonOf } from "@cupel/base";
import { trainErrors } from "@cupel/train";
import type { Option } from "../arguments/option.ts";
import type { Given } from "../arguments/parse.ts";
import { suggest } from "../arguments/suggest.ts";
import { cliErrors } from "../errors.ts";

const networkKey = "network";

/** @throws FILE_UNREADABLE, TRAINING_CONFIG_INVALID, OPTION_INVALID */
export async function withConfig(
  given: Given,
  path: string,
  options: readonly Option<unknown>[],
): Promise<Given> {
  const config = await readConfig(path);
  const { [networkKey]: network, ...settings } = config;
  if (typeof network !== "string") {
    throw invalid(
      path,
      `"${networkKey}" must say what is trained: a path that ends in .onnx, or a network by name`,
    );
  }
  const texts = new Map<string, string | null>();
  const remarks = [...given.remarks];
  for (const [key, value] of Object.entries(settings)) {
    const option = options.find((each) => namesOf(each).includes(key));
    if (option === undefined) {
      const names = [networkKey, ...options.map((each) => namesOf(each)[0]!)];
      const near = suggest(key, names);
      throw invalid(path, `there is no "${key}"${near === null ? "" : `; did you mean "${near}"?`}`);
    }
    const [name] = namesOf(option) as [string];
    if (key !== name) remarks.push(`${path}: "${key}" is now called "${name}".`);
    const written = textOf(path, key, option, value);
    texts.set(option.name, written);
    option.read(written);
  }
  const read = <T>(option: Option<T>): T =>
    given.has(option) || !texts.has(option.name) ? given.get(option) : option.read(texts.get(option.name)!);
  return {
    operands: [network],
    get: read,
    has: (option) => given.has(option) || texts.get(option.name) != null,
    remarks,
  };
}

/** The key of an option, then those it had in earlier versions. */
function namesOf({ name, formerly }: Option<unknown>): readonly string[] {
  const key = name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  return [key, name, ...(formerly === null ? [] : [formerly])];
}

/** As it would stand on the command line; null for a flag that is false. */
function textOf(path: string, name: string, { placeholder }: Option<unknown>, value: unknown): string | null {
  if (placeholder === null) {
    if (typeof value !== "boolean") throw invalid(path, `"${name}" must be true or false`);
    return value ? "" : null;
  }
  if (typeof value !== "string" && typeof value !== "number") {
    throw invalid(path, `"${name}" must be a text or a number, not ${JSON.stringify(value)}`);
  }
  return String(value);
}

async function readConfig(path: string): Promise<Readonly<Record<string, unknown>>> {
  const content = await readFile(path, "utf8").catch((thrown: unknown) => {
    throw cliErrors.error("FILE_UNREADABLE", `Cannot read the configuration ${path}: ${reasonOf(thrown)}`, {
      cause: thrown,
      details: { path },
    });
  });
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch (thrown) {
    throw invalid(path, `it is not JSON: ${reasonOf(thrown)}`);
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw invalid(path, "it must be an object with the options as keys");
  }
  return { ...json };
}

function invalid(path: string, problem: string) {
  return trainErrors.error(
    "TRAINING_CONFIG_INVALID",
    `The configuration ${path} cannot be used: ${problem}.`,
    {
      details: { path },
    },
  );
}
