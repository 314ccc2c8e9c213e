/** What a model is fed beside images, and what runs it: options of every command that runs models. */

import { readRegular, reasonOf } from "@cupel/base";
import { type Feeds, readSafetensors } from "@cupel/runtime";
import { text } from "../arguments/option.ts";
import type { Given } from "../arguments/parse.ts";
import { cliErrors } from "../errors.ts";

export const inputsOption = text({
  name: "inputs",
  placeholder: "FILE",
  summary:
    "Tensors for the inputs that a model has beside the image, by their names, of one image or of any: a safetensors file",
});

export const providersOption = text({
  name: "providers",
  placeholder: "LIST",
  summary: "Execution providers of the engine in order of preference, such as cuda,cpu",
  fallback: "cpu",
});

/** Undefined where none are given. */
export function givenProviders(given: Given): readonly string[] | undefined {
  return given.get(providersOption)?.split(",");
}

/** Undefined where no file is given. @throws FILE_UNREADABLE */
export async function givenInputs(given: Given): Promise<Feeds | undefined> {
  const path = given.get(inputsOption);
  if (path === undefined) return undefined;
  try {
    return readSafetensors(await readRegular(path)).tensors;
  } catch (thrown) {
    throw cliErrors.error("FILE_UNREADABLE", `Cannot read the tensors in ${path}: ${reasonOf(thrown)}.`, {
      cause: thrown,
      details: { path },
    });
  }
}
