/** The model a command is given: a file, or "-" for standard input, which is kept in a temporary file. */
import { join } from "node:path";
import { openTemporaryFolder, writeFileAtomically } from "@cupel/base";
import { standardInput } from "../arguments/parse.ts";
import type { CommandContext } from "../commands/command.ts";
import { cliErrors } from "../errors.ts";

export interface ModelFile extends AsyncDisposable {
  readonly path: string;
  /** As a person knows it. */
  readonly name: string;
}

/** @throws ARGUMENT_MISSING where nothing is piped, CANCELLED, DISK_FULL, WRITE_FAILED */
export async function modelFile(
  operand: string,
  { terminal, signal }: Pick<CommandContext, "terminal" | "signal">,
): Promise<ModelFile> {
  if (operand !== standardInput) return { path: operand, name: operand, async [Symbol.asyncDispose]() {} };
  const input = terminal.input();
  if (input === null) {
    throw cliErrors.error(
      "ARGUMENT_MISSING",
      'The model is "-", standard input, but nothing is piped into it. Write: cupel inspect - < model.onnx',
      { details: { argument: operand } },
    );
  }
  const folder = await openTemporaryFolder("input");
  const path = join(folder.path, "standard-input.onnx");
  try {
    await writeFileAtomically(path, input, { signal });
  } catch (thrown) {
    await folder[Symbol.asyncDispose]();
    throw thrown;
  }
  return { path, name: "standard input", [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}
