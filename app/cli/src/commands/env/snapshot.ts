/** `cupel env snapshot`: names, lengths and keyed hashes of environments, into a file. */

import { writeFileAtomically } from "@cupel/base";
import { formatSnapshot, readSources, takeSnapshot } from "@cupel/env-trace";
import { text } from "../../arguments/option.ts";
import { required } from "../../arguments/parse.ts";
import {
  keyOption,
  readingOptions,
  readOptionsOf,
  referencesOf,
  snapshotKey,
  sourceHelp,
} from "../../env/environment-options.ts";
import { numberOf } from "../../terminal/figures.ts";
import { tableText } from "../../terminal/table.ts";
import type { Command } from "../command.ts";

const outOption = text({ name: "out", short: "o", placeholder: "FILE", summary: "Where the snapshot goes" });

export const envSnapshotCommand: Command = {
  description: `Of each variable the snapshot has its name, the bytes of its value and a hash of it under a key; nothing of it is a value. Sources that are no containers come to one environment, the later over the earlier; each container is one of its own. What only a shell, a cluster or a build knows is "computed", and not guessed. What a process shows is what it was started with.\n${sourceHelp}`,
  operands: [{ name: "SOURCE", summary: "Of variables", repeats: true }],
  options: [outOption, keyOption, ...Object.values(readingOptions)],
  examples: [
    {
      line: "cupel env snapshot /etc/environment /etc/profile -o persistent.json",
      says: "what a login is given",
    },
    { line: "cupel env snapshot process:1234 -o live.json", says: "what a process was started with" },
    {
      line: "cupel env snapshot kubernetes:deploy.yaml kubernetes:config.yaml -o cluster.json",
      says: "containers",
    },
    {
      line: "cupel env snapshot machine.reg user.reg --assume SystemRoot=C:\\Windows -o windows.json",
      says: "exports of the registry",
    },
  ],
  async run(given, context) {
    const file = required(given, outOption);
    const references = referencesOf(given.operands);
    const reading = await readSources(references, readOptionsOf(given));
    for (const remark of reading.remarks) context.remark(remark);
    const snapshot = takeSnapshot(reading, await snapshotKey(given, context), context.clock);
    await writeFileAtomically(file, formatSnapshot(snapshot));
    const rows = snapshot.environments.flatMap(({ scope, variables }) =>
      variables.map(({ name, length, computed, source, line }) => {
        const place = snapshot.sources[source]?.place ?? "";
        return [
          name,
          length === null ? "-" : String(length),
          line === null ? place : `${place}:${line}`,
          scope,
          computed === null ? "" : `computed: ${computed}`,
        ];
      }),
    );
    const count = rows.length;
    return {
      json: { file, keyId: snapshot.keyId, state: snapshot.state, environments: snapshot.environments },
      text: `${tableText([["variable", "bytes", "from", "environment", ""], ...rows])}\n\nKept ${numberOf(count, "variable")} in ${file}.`,
    };
  },
};
