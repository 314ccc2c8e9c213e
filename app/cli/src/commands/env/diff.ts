/** `cupel env diff`: what differs between two environments. */
import {
  type DifferenceClass,
  diffSnapshots,
  type EnvironmentDifference,
  envTraceErrors,
  type Snapshot,
} from "@cupel/env-trace";
import { text } from "../../arguments/option.ts";
import { keyOption, readingOptions, snapshotKey, snapshotOrSource } from "../../env/environment-options.ts";
import { numberOf } from "../../terminal/figures.ts";
import { tableText } from "../../terminal/table.ts";
import type { Command } from "../command.ts";

const scopeOptions = {
  first: text({
    name: "first-environment",
    placeholder: "NAME",
    summary: "Of several in FIRST",
    fallback: "those of the same name are compared",
  }),
  second: text({
    name: "second-environment",
    placeholder: "NAME",
    summary: "Of several in SECOND",
    fallback: "those of the same name are compared",
  }),
};

export const envDiffCommand: Command = {
  description:
    "FIRST and SECOND are snapshots, or sources as env snapshot takes them, which are then looked at now. Each variable that differs is in one of three classes: only in FIRST, only in SECOND, or another value; with " +
    "what is persistent first and what is live second: only persistent, only live, differs. A variable that is computed on a side is in both, and whether it is the same is not known. Exit status: 0 where nothing differs, 3 where something does.",
  operands: [
    { name: "FIRST", summary: "What it was, or what is persistent" },
    { name: "SECOND", summary: "What it is, or what is live" },
  ],
  options: [keyOption, ...Object.values(scopeOptions), ...Object.values(readingOptions)],
  examples: [
    { line: "cupel env diff persistent.json live.json", says: "two snapshots" },
    {
      line: "cupel env diff systemd:/etc/systemd/system/web.service process:1234",
      says: "a unit against its process, now",
    },
    { line: "cupel env diff yesterday.json today.json --json | jq .differences", says: "for a program" },
  ],
  async run(given, context) {
    const [firstPath = "", secondPath = ""] = given.operands;
    let made: Promise<Buffer> | null = null;
    const key = () => {
      made ??= snapshotKey(given, context);
      return made;
    };
    const first = await snapshotOrSource(firstPath, given, key, context);
    const second = await snapshotOrSource(secondPath, given, key, context);
    const { differences, same, unknown } = diffSnapshots(first, second, {
      firstScope: given.get(scopeOptions.first),
      secondScope: given.get(scopeOptions.second),
    });
    const words = classWords(first, second);
    const rows = differences.map((difference) => [
      words[difference.class],
      difference.name,
      bytesOf(difference, "first"),
      bytesOf(difference, "second"),
      difference.scope,
    ]);
    const sentence = `${numberOf(differences.length, "variable")} differ${differences.length === 1 ? "s" : ""}, ${same} are the same${unknown.length === 0 ? "" : `; of ${unknown.length} the value is computed, and not compared`}.`;
    const table = tableText([["", "variable", "bytes before", "bytes after", "environment"], ...rows]);
    return {
      json: { first: firstPath, second: secondPath, differences, same, unknown },
      text: differences.length === 0 ? sentence : `${table}\n\n${sentence}`,
      failure:
        differences.length === 0
          ? null
          : envTraceErrors.error(
              "ENV_CHANGED",
              `${numberOf(differences.length, "variable")} of ${secondPath} ${differences.length === 1 ? "is" : "are"} not as in ${firstPath}.`,
              {
                details: { differences: differences.length },
              },
            ),
    };
  },
};

function classWords(first: Snapshot, second: Snapshot): Readonly<Record<DifferenceClass, string>> {
  const isPair = first.state === "persistent" && second.state === "live";
  return isPair
    ? { "only-first": "only persistent", "only-second": "only live", differs: "differs" }
    : { "only-first": "only in the first", "only-second": "only in the second", differs: "differs" };
}

function bytesOf(difference: EnvironmentDifference, side: "first" | "second"): string {
  return String(difference[side]?.length ?? "-");
}
