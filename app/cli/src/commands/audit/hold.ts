/** `cupel audit hold`: legal holds of a log, set, released and listed. */
import {
  auditErrors,
  changeRetentionPolicy,
  type LegalHold,
  parseRetentionPolicy,
  readRetentionPolicy,
} from "@cupel/audit";
import { CupelError } from "@cupel/base";
import { flag, invalid, parsed, text } from "../../arguments/option.ts";
import type { Given } from "../../arguments/parse.ts";
import { assertLog, keyFileOption, openKeptLog } from "../../audit/open-kept-log.ts";
import { cliErrors } from "../../errors.ts";
import { tableText } from "../../terminal/table.ts";
import type { Command, CommandContext, Result } from "../command.ts";

/** @param rest of a day that has no time, in UTC */
const time = (name: string, summary: string, fallback: string, rest: string) =>
  parsed(
    { name, placeholder: "TIME", summary, fallback },
    "a day or a time in UTC, such as 2026-03-31 or 2026-03-31T12:00:00Z",
    (given) => {
      const whole = /^\d{4}-\d\d-\d\d$/.test(given) ? `${given}T${rest}Z` : given;
      const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/.test(whole);
      return isTime && !Number.isNaN(Date.parse(whole)) ? whole : undefined;
    },
  );

const setOption = parsed(
  { name: "set", placeholder: "ID", summary: "Set a hold of this name" },
  "a name of letters, digits and . _ -, at most 64",
  (given) => (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(given) ? given : undefined),
);
const releaseOption = text({ name: "release", placeholder: "ID", summary: "End this hold" });
const listOption = flag({ name: "list", summary: "List the holds that are in force" });
const fromOption = time("from", "Hold events at or after it", "from the first one on", "00:00:00");
const toOption = time("to", "Hold events at or before it", "those to come too", "23:59:59.999999");
const untilOption = time("until", "When the hold ends by itself", "when it is released", "00:00:00");
const reasonOption = text({
  name: "reason",
  placeholder: "TEXT",
  summary: "Of a hold that is set: who ordered it, for what",
});

export const auditHoldCommand: Command = {
  description:
    "A hold covers events by their time; every file of the journal that has one of them stays whole, however old. Holds are in FOLDER/policy.json. A hold is in force as soon " +
    "as this command ends; that it was set or released is recorded by the log's writer: here, or, where a server records into FOLDER, by that within a minute. " +
    "A release lets retention remove at once what is old enough. While a hold is in force, nobody is erased either.",
  operands: [{ name: "FOLDER", summary: "Of the log" }],
  options: [
    setOption,
    fromOption,
    toOption,
    untilOption,
    reasonOption,
    releaseOption,
    listOption,
    keyFileOption,
  ],
  examples: [
    {
      line: "cupel audit hold audit --set case-17 --from 2026-01-01 --to 2026-03-31 --reason order-17/26",
      says: "hold a quarter",
    },
    { line: "cupel audit hold audit --release case-17", says: "end that" },
    { line: "cupel audit hold audit --list --json", says: "for a program" },
  ],
  async run(given, context) {
    const folder = given.operands[0]!;
    const set = given.get(setOption);
    const released = given.get(releaseOption);
    const isList = given.get(listOption);
    if ([set !== undefined, released !== undefined, isList].filter(Boolean).length !== 1) {
      throw cliErrors.error("ARGUMENT_MISSING", "Write one of --set ID, --release ID and --list.", {
        details: { argument: "set" },
      });
    }
    for (const option of [fromOption, toOption, untilOption, reasonOption]) {
      if (set === undefined && given.has(option)) throw invalid(option.name, "is of a hold that is set");
    }
    await assertLog(folder);
    if (set !== undefined) {
      const hold = holdOf(set, given);
      await changeHolds(folder, (holds) => [...without(holds, set, false), hold]);
      return await recorded(given, context, `The hold ${set} is in force`);
    }
    if (released !== undefined) {
      await changeHolds(folder, (holds) => without(holds, released, true));
      return await recorded(given, context, `The hold ${released} is released`);
    }
    return await listOf(folder, context.clock.now());
  },
};

/** @throws OPTION_INVALID */
function holdOf(id: string, given: Given): LegalHold {
  const reason = given.get(reasonOption);
  if (reason === undefined) {
    throw cliErrors.error("ARGUMENT_MISSING", "Why the hold is set is missing. Write: --reason TEXT", {
      details: { argument: "reason" },
    });
  }
  const times = Object.entries({
    from: given.get(fromOption),
    to: given.get(toOption),
    until: given.get(untilOption),
  }).filter(([, each]) => each !== undefined);
  return { id, reason, ...Object.fromEntries(times) };
}

function changeHolds(folder: string, change: (holds: readonly LegalHold[]) => LegalHold[]): Promise<void> {
  return changeRetentionPolicy(folder, ({ holds = [], ...rest }) => ({ ...rest, holds: change(holds) }));
}

/** @throws HOLD_UNKNOWN where there is one and should not be, or the other way */
function without(holds: readonly LegalHold[], id: string, isThere: boolean): LegalHold[] {
  if (holds.some((hold) => hold.id === id) === isThere) return holds.filter((hold) => hold.id !== id);
  const known = holds.map((hold) => hold.id).join(", ");
  throw auditErrors.error(
    "HOLD_UNKNOWN",
    isThere
      ? `There is no hold "${id}"; there ${known === "" ? "is none" : `are ${known}`}.`
      : `There is a hold "${id}" already. Release it first, or give this one another name.`,
    { details: { id } },
  );
}

/** The policy has it by now, whatever comes. */
async function recorded(given: Given, context: CommandContext, what: string): Promise<Result> {
  const folder = given.operands[0]!;
  let isRecorded = true;
  try {
    await using log = await openKeptLog(folder, given.get(keyFileOption), context.say);
    await log.recorder.retain();
  } catch (thrown) {
    if (!(thrown instanceof CupelError) || thrown.code !== "LOG_IN_USE") {
      context.remark(`${what}, and is not recorded yet: whoever opens the log next does that.`);
      throw thrown;
    }
    isRecorded = false;
  }
  return {
    json: { folder, recorded: isRecorded },
    text: isRecorded
      ? `${what}, and recorded.`
      : `${what}. The process that writes ${folder} records it within a minute.`,
  };
}

async function listOf(folder: string, now: number): Promise<Result> {
  const all = parseRetentionPolicy((await readRetentionPolicy(folder)) ?? {}).holds;
  const holds = all.filter(({ until }) => until === undefined || Date.parse(until) > now);
  const rows = holds.map(({ id, from = "the first event", to = "those to come", until = "", reason }) => [
    id,
    from,
    to,
    until,
    reason,
  ]);
  return {
    json: { folder, holds },
    text:
      holds.length === 0
        ? `No hold is in force in ${folder}.`
        : tableText([["hold", "from", "to", "until", "reason"], ...rows]),
  };
}
