/** `cupel audit prove`: proofs as small files, which anyone verifies without the log. */
import { proveEvent, proveGrowth } from "@cupel/audit";
import { assertWritable, type EventFacts, writeFileAtomically } from "@cupel/base";
import { integer, invalid, text } from "../../arguments/option.ts";
import type { Given } from "../../arguments/parse.ts";
import { readGiven } from "../../audit/note-keys.ts";
import { recordReading } from "../../audit/record-reading.ts";
import { cliErrors } from "../../errors.ts";
import { numberOf } from "../../terminal/figures.ts";
import type { Command } from "../command.ts";

const idOption = text({ name: "id", placeholder: "ID", summary: "The event to prove, by its id" });
const indexOption = integer({
  name: "index",
  placeholder: "N",
  min: 0,
  summary: "The event to prove, by its place in the log, from 0",
});
const fromOption = text({
  name: "from",
  placeholder: "SIZE|FILE",
  summary:
    "Prove instead that the log goes on from what it was: at this many events, or by this older checkpoint, which whoever verifies must have",
});
const checkpointOption = text({
  name: "checkpoint",
  placeholder: "FILE",
  summary: "The checkpoint to prove by, such as one in FOLDER/witness that is cosigned",
  fallback: "the newest of the log",
});
const outOption = text({
  name: "out",
  placeholder: "FILE",
  summary: "Where the proof goes",
  fallback: "standard output",
});

export const auditProveCommand: Command = {
  description:
    "The proof is a text of about 2 kB: the event, some hashes, and the signed checkpoint of the log. `cupel audit verify FILE --key LOG.pub` verifies it " +
    "without the log, and so does whatever reads https://c2sp.org/tlog-proof. That of growth has the form that witnesses are sent " +
    "(https://c2sp.org/tlog-witness). The log may be written meanwhile, and may be one that others wrote as tlog-tiles. Events that no checkpoint covers yet have no proof: exit status 75, a " +
    "second later there is one. The event in the file is masked as it is in the log. That a proof was made is recorded.",
  operands: [{ name: "FOLDER", summary: "Of the log" }],
  options: [idOption, indexOption, fromOption, checkpointOption, outOption],
  examples: [
    {
      line: "cupel audit prove audit --id 019abf2c-79b0-7cc3-98c4-dc0c0c07398f --out event.proof",
      says: "that this event was recorded",
    },
    { line: "cupel audit prove audit --index 4711", says: "by its place, to standard output" },
    {
      line: "cupel audit prove audit --from last-month.checkpoint --out growth.proof",
      says: "that nothing was taken back since",
    },
  ],
  async run(given, context) {
    const folder = given.operands[0]!;
    if ([idOption, indexOption, fromOption].filter((option) => given.has(option)).length !== 1) {
      throw cliErrors.error(
        "ARGUMENT_MISSING",
        "Say what to prove, one of --id ID, --index N and --from SIZE|FILE. See --help.",
        { details: { argument: idOption.name } },
      );
    }
    const out = given.get(outOption);
    if (out !== undefined) await assertWritable([out]);
    const { sentence, object, file, json } = await prove(folder, given);
    const reading = { action: "AUDIT.PROVE", object, context: { command: "audit prove" } } as const;
    await recordReading(folder, reading, context);
    if (out !== undefined) await writeFileAtomically(out, file, { signal: context.signal });
    return {
      json: { folder, out: out ?? null, ...json, proof: file },
      text: out === undefined ? file.trimEnd() : `${out} proves ${sentence}`,
    };
  },
};

interface Proven {
  /** What it proves. */
  readonly sentence: string;
  readonly object: EventFacts;
  readonly file: string;
  readonly json: Readonly<Record<string, unknown>>;
}

async function prove(folder: string, given: Given): Promise<Proven> {
  const kept = given.get(checkpointOption);
  const options = { checkpoint: kept === undefined ? undefined : await readGiven("checkpoint", kept) };
  const from = given.get(fromOption);
  if (from !== undefined) {
    const older = /^\d+$/.test(from) ? sizeOf(from) : await readGiven("older checkpoint", from);
    const { oldSize, size, origin, file } = await proveGrowth(folder, older, options);
    return {
      sentence: `that ${origin} with ${numberOf(size, "event")} goes on from its first ${oldSize}.`,
      object: { from: String(oldSize), size: String(size) },
      file,
      json: { proves: "growth", origin, size, oldSize },
    };
  }
  const id = given.get(idOption);
  const event = id === undefined ? { index: given.get(indexOption) ?? 0 } : { id };
  const { index, size, origin, entry, file } = await proveEvent(folder, event, options);
  return {
    sentence: `that event ${index} is in ${origin}, whose checkpoint has ${numberOf(size, "event")}.`,
    object: { index: String(index), size: String(size) },
    file,
    json: { proves: "event", origin, size, index, event: entry.toString("utf8") },
  };
}

function sizeOf(digits: string): number {
  const size = Number(digits);
  if (Number.isSafeInteger(size)) return size;
  throw invalid(fromOption.name, `must be a size of at most 2^53 - 1, not ${digits}`);
}
