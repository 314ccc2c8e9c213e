/** Loaded before the tests: edits the text of the module that the mutant in CUPEL_MUTANT names. */
import { registerHooks } from "node:module";
import type { Mutation } from "./mutation.ts";

const { file, find, text }: Mutation = JSON.parse(process.env.CUPEL_MUTANT ?? "{}");

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith(`/${file}`)) return loaded;
    const source = String(
      loaded.source instanceof Uint8Array ? new TextDecoder().decode(loaded.source) : loaded.source,
    );
    const parts = find === null ? [source, ""] : source.split(find);
    if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times ${find}, not once.`);
    // Seen by whoever started this process: the mutant was in place.
    process.once("exit", () => process.stdout.write("\nmutant loaded\n"));
    return { ...loaded, source: parts.join(find === null ? `\n${text}\n` : text) };
  },
});
