/** `cupel audit witness`: has others vouch for the present state of a log, and keeps what they said. */
import { witnessLog } from "@cupel/audit";
import { invalid, text } from "../../arguments/option.ts";
import { type Given, missing } from "../../arguments/parse.ts";
import { filesOption, readAuthorities, readNoteKeys } from "../../audit/note-keys.ts";
import { cliErrors } from "../../errors.ts";
import { numberOf } from "../../terminal/figures.ts";
import type { Command } from "../command.ts";

const witnessOption = text({
  name: "witness",
  placeholder: "URL",
  summary: "A witness by https://c2sp.org/tlog-witness: the address before /add-checkpoint",
});
const witnessKeyOption = filesOption(
  "witness-key",
  "Its public key, NAME+ID+BASE64; repeatable while keys change",
);
const authorityOption = text({
  name: "tsa",
  placeholder: "URL",
  summary: "A time-stamping authority by RFC 3161, over HTTP",
});
const authorityKeyOption = filesOption("tsa-ca", "Certificates, PEM, that it must come from; repeatable");

export const auditWitnessCommand: Command = {
  description:
    "Sends the newest checkpoint of the log, of which no event can be told, and keeps what comes back in FOLDER/witness. `cupel audit verify` then shows that the log was not rewritten since, " +
    "by whoever owns it either. Run it by a timer, daily for instance: it needs no key of the log, and the log may be written meanwhile. A witness that has seen another " +
    "state of the log refuses, WITNESS_CONFLICT. What is there already is not asked for again.",
  operands: [{ name: "FOLDER", summary: "Of the log" }],
  options: [witnessOption, witnessKeyOption, authorityOption, authorityKeyOption],
  examples: [
    {
      line: "cupel audit witness audit --witness https://witness.example/w1 --witness-key witness.pub",
      says: "cosigned",
    },
    {
      line: "cupel audit witness audit --tsa http://tsa.example/tsr --tsa-ca tsa-ca.pem",
      says: "with the time by an authority",
    },
  ],
  async run(given, { signal }) {
    const folder = given.operands[0]!;
    const asked = await askedOf(given);
    const { origin, size, witnesses, isStamped, isNew } = await witnessLog(folder, { ...asked, signal });
    const by = [
      ...(witnesses.length > 0 ? [`cosigned by ${witnesses.join(" and ")}`] : []),
      ...(isStamped ? ["stamped"] : []),
    ];
    const state =
      size === 0
        ? "has no event yet, and nothing to vouch for"
        : `has ${numberOf(size, "event")}, ${by.join(" and ")}`;
    return {
      json: { folder, origin, size, witnesses, isStamped, isNew },
      text: `${origin} ${state}${size > 0 && !isNew ? " before" : ""}.`,
    };
  },
};

async function askedOf(given: Given) {
  const url = given.get(witnessOption);
  const authorityUrl = given.get(authorityOption);
  if (url === undefined && authorityUrl === undefined) {
    throw cliErrors.error(
      "ARGUMENT_MISSING",
      "Say whom to ask: --witness URL, --tsa URL or both. See --help.",
      {
        details: { argument: witnessOption.name },
      },
    );
  }
  for (const [option, key] of [
    [witnessOption, witnessKeyOption],
    [authorityOption, authorityKeyOption],
  ] as const) {
    const address = given.get(option);
    if (address !== undefined && !given.has(key)) throw missing(key);
    if (address === undefined && given.has(key))
      throw invalid(key.name, `is nothing without --${option.name}`);
    if (address !== undefined && !(/^https?:/i.test(address) && URL.canParse(address)))
      throw invalid(option.name, `must be an address of http or https, not "${address}"`);
  }
  const keys = await readNoteKeys(given.get(witnessKeyOption));
  const authorities = await readAuthorities(given.get(authorityKeyOption));
  return {
    witness: url === undefined ? null : { url, keys },
    authority: authorityUrl === undefined ? null : { url: authorityUrl, authorities },
  };
}
