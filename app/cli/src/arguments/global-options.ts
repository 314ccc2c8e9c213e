/** The options of every command. */
import { availableParallelism } from "node:os";
import { flag, integer } from "./option.ts";

export const globals = {
  json: flag({
    name: "json",
    summary: "Print the result as one JSON object on stdout, and nothing else there",
  }),
  quiet: flag({ name: "quiet", short: "q", summary: "No progress and no remarks; errors are still printed" }),
  threads: integer({
    name: "threads",
    placeholder: "N",
    min: 1,
    value: availableParallelism(),
    fallback: "the cores this process may use",
    summary: "Threads the engine computes with",
  }),
  seed: integer({
    name: "seed",
    placeholder: "N",
    min: 0,
    value: 1,
    summary: "Seed of everything that is drawn; the same seed gives the same result",
  }),
  verbose: flag({ name: "verbose", summary: "With an error, also show what caused it" }),
  help: flag({ name: "help", short: "h", summary: "Show help and do nothing" }),
};
