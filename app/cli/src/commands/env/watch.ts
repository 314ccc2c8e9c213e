/** `cupel env watch`: what changes in an environment, as it does; and a P1 where changes follow each other. */

import { reasonOf } from "@cupel/base";
import {
  type Alert,
  type AlertSink,
  alertLine,
  alertOfChange,
  alertOfFuse,
  eventSinkAlerts,
  openAlertLines,
  quietFuse,
  readSources,
  stepFuse,
  takeSnapshot,
  watchEnvironment,
  webhookAlerts,
} from "@cupel/env-trace";
import { integer, parsed, text } from "../../arguments/option.ts";
import { openRecord } from "../../audit/open-record.ts";
import { operator } from "../../audit/operator.ts";
import { recordOptions, recordPlace } from "../../audit/record-options.ts";
import {
  keyOption,
  readingOptions,
  readOptionsOf,
  readSnapshot,
  referencesOf,
  snapshotKey,
  sourceHelp,
} from "../../env/environment-options.ts";
import { visibleLine } from "../../terminal/visible-text.ts";
import type { Command, CommandContext, StreamedResult } from "../command.ts";

const intervalOption = integer({
  name: "interval",
  placeholder: "MS",
  min: 50,
  value: 2000,
  summary: "Milliseconds between two looks",
});
const sinceOption = text({
  name: "since",
  placeholder: "FILE",
  summary: "A snapshot under the same key, that the first look is compared with",
  fallback: "what is there at the beginning",
});
const variablesOption = integer({
  name: "smallest-variables",
  placeholder: "N",
  min: 1,
  value: 1,
  summary: "Variables that must differ for a change; fewer wait for more",
});
const bytesOption = integer({
  name: "smallest-bytes",
  placeholder: "N",
  min: 0,
  value: 0,
  summary: "Bytes by which lengths must differ for a change; 0 is also another value of the same length",
});
const webhookOption = parsed(
  {
    name: "webhook",
    placeholder: "URL",
    summary: "Alerts are sent there too, as JSON, each within three attempts of 5 seconds",
  },
  "an address that begins with http:// or https://",
  (given) => {
    const url = URL.parse(given);
    return url?.protocol === "http:" || url?.protocol === "https:" ? url : undefined;
  },
);

export const envWatchCommand: Command = {
  description: `Each change is a line: which names came, went, or have another value. Three changes in a row, with less than ten seconds between each and the next, raise a P1; it ends after five minutes, or after ten seconds without a change, whichever is first. Goes on until Ctrl-C. With --audit changes and P1s are in the record.\n${sourceHelp}`,
  operands: [{ name: "SOURCE", summary: "Of variables, as for env snapshot", repeats: true }],
  options: [
    intervalOption,
    sinceOption,
    variablesOption,
    bytesOption,
    webhookOption,
    keyOption,
    ...Object.values(readingOptions),
    ...Object.values(recordOptions),
  ],
  examples: [
    { line: "cupel env watch /etc/environment .env", says: "files that set variables" },
    {
      line: "cupel env watch user.reg --smallest-variables 2",
      says: "what reg export writes again and again",
    },
    {
      line: "cupel env watch kubernetes:deploy.yaml --audit record --webhook https://alerts.example/env",
      says: "with a record and a webhook",
    },
  ],
  async run(given, context) {
    const references = referencesOf(given.operands);
    const options = readOptionsOf(given);
    const place = recordPlace(given);
    const key = await snapshotKey(given, context);
    const sincePath = given.get(sinceOption);
    const since = sincePath === undefined ? undefined : await readSnapshot(sincePath);
    const url = given.get(webhookOption);
    // What is wrong with a source is told before anything is opened.
    const first = await readSources(references, options);
    for (const remark of first.remarks) context.remark(remark);
    await using opening = new AsyncDisposableStack();
    const record = place === null ? null : opening.use(await openRecord(place, context.say));
    const sinks: AlertSink[] = [];
    if (record !== null) sinks.push(eventSinkAlerts(record.sink, operator()));
    if (url !== undefined) sinks.push(webhookAlerts(url));
    const changes = watchEnvironment({
      take: async () => takeSnapshot(await readSources(references, options), key, context.clock),
      since,
      intervalMs: given.get(intervalOption),
      signal: context.signal,
      variables: given.get(variablesOption),
      bytes: given.get(bytesOption),
    });
    return streamed(changes, sinks, opening.move(), context);
  },
};

function streamed(
  changes: ReturnType<typeof watchEnvironment>,
  sinks: readonly AlertSink[],
  owned: AsyncDisposableStack,
  context: CommandContext,
): StreamedResult {
  const { clock, say, remark } = context;
  let count = 0;
  async function* items() {
    await using _ = owned;
    const lines = openAlertLines(sinks, (thrown) => say(reasonOf(thrown)));
    let fuse = quietFuse;
    try {
      for await (const change of changes) {
        const alerts: Alert[] = change === null ? [] : [alertOfChange(change)];
        const { state, outcomes } = stepFuse(fuse, change === null ? "tick" : "hit", clock);
        fuse = state;
        const offset = clock.now() - clock.monotonic();
        alerts.push(...outcomes.map((outcome) => alertOfFuse(outcome, Math.round(outcome.at + offset))));
        for (const alert of alerts) {
          if (alert.kind === "change") count++;
          lines.send(alert);
          yield { json: alert, text: visibleLine(`${new Date(alert.at).toISOString()} ${alertLine(alert)}`) };
        }
      }
    } finally {
      await lines.drained();
      if (lines.dropped > 0)
        remark(`Alerts that were dropped because a sink was too slow: ${lines.dropped}.`);
    }
  }
  return {
    begin: { json: {}, text: "" },
    list: "alerts",
    items: items(),
    end: () => ({ json: { changes: count }, text: "" }),
  };
}
