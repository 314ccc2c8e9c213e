/** A verdict as the page of the console has it. Pure. */
import { describeDifference, type ManifestEntry, type ProvenanceFacts } from "@cupel/attest";
import type { AttestationDocument, AttestedEntry } from "@cupel/console";
import { invalid } from "../arguments/option.ts";
import { signerText } from "./seal-text.ts";
import type { FolderVerdict } from "./verify-folder.ts";

/** @throws OPTION_INVALID where there is no attestation to show */
export function attestationPage(
  folder: string,
  { isValid, name, signers, differences, seal }: FolderVerdict,
  verifiedAt: string,
): Omit<AttestationDocument, "format"> {
  if (seal === null) throw invalid("page", `shows an attestation.json, and ${folder} has none`);
  const { version, sequence, sealedAt, roots, manifest, origin } = seal;
  return {
    folder,
    name,
    version,
    isValid,
    sequence,
    sealedAt,
    verifiedAt,
    roots,
    differences: differences.map(describeDifference),
    signers: signers.map((each) => ({ signed: each.signed, by: signerText(each) })),
    origin: origin && originOf(origin),
    files: manifest.map(entryOf),
  };
}

function originOf(origin: ProvenanceFacts): AttestationDocument["origin"] {
  const { source, model, tool, finishedOn, report, command, recipe, figures } = origin;
  return {
    source: source.name,
    sourceDigest: source.sha256,
    model,
    tool: Object.entries(tool)
      .map(([name, version]) => `${name} ${version}`)
      .join(", "),
    finishedAt: finishedOn,
    report: report.name,
    reportDigest: report.sha256,
    command,
    recipe: recipe === null ? null : JSON.stringify(recipe, null, 2),
    figures,
  };
}

function entryOf(entry: ManifestEntry): AttestedEntry {
  const { path } = entry;
  if (entry.kind === "folder") return { path, size: null, about: "empty folder" };
  if (entry.kind === "link") return { path, size: null, about: `link to ${entry.target}` };
  return { path, size: entry.size, about: `${entry.sha256}${entry.executable ? ", executable" : ""}` };
}
