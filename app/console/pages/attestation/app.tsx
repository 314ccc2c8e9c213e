/** The page from top to bottom: the verdict first. */
import { Masthead } from "../../shared/part/masthead.tsx";
import { Section } from "../../shared/part/section.tsx";
import { SkipLink } from "../../shared/part/skip-link.tsx";
import { plural } from "../../shared/view/number-text.ts";
import type { AttestationDocument } from "../../src/pages.ts";
import { Facts } from "./part/facts.tsx";
import { FigureTable } from "./part/figure-table.tsx";
import { FileTable } from "./part/file-table.tsx";
import { Origin } from "./part/origin.tsx";

export function App({ attestation }: { readonly attestation: AttestationDocument }) {
  const { name, version, isValid, differences, origin } = attestation;
  const model = version === null ? name : `${name} ${version}`;
  return (
    <>
      <SkipLink />
      <Masthead
        kind="attestation"
        title={isValid ? `${model} is what was sealed` : `${model} is not what was sealed`}
        madeAt={attestation.verifiedAt}
      >
        <div class="remarks">
          {isValid ? (
            <p class="remark good">
              <b>Valid.</b> Every file has the name, the place and the content that it had when it was sealed.
            </p>
          ) : (
            <p class="remark warning">
              <b>Do not use it.</b> {plural(differences.length, "difference")} between what was sealed and
              what is there. They are listed below.
            </p>
          )}
        </div>
      </Masthead>
      <main id="main">
        {differences.length > 0 && (
          <Section id="differences" title="What differs">
            <ul class="panel">
              {differences.map((sentence) => (
                <li key={sentence}>{sentence}</li>
              ))}
            </ul>
          </Section>
        )}
        <Section
          id="seal"
          title="The seal"
          intro="Only signers that whoever verified trusts are named. When it was sealed is by the signer's clock."
        >
          <div class="panel">
            <Facts facts={sealFacts(attestation)} />
          </div>
        </Section>
        {origin !== null && <Origin origin={origin} />}
        {origin?.figures && <FigureTable figures={origin.figures} />}
        <FileTable files={attestation.files} />
      </main>
    </>
  );
}

function sealFacts(attestation: AttestationDocument): (readonly [string, string])[] {
  const { folder, name, version, sequence, sealedAt, verifiedAt, signers, roots } = attestation;
  return [
    ["Folder", folder],
    ["Name", name],
    ["Version", version ?? "none is told"],
    ...signers.map(({ signed, by }) => [`Signer, ${signed}`, by] as const),
    ["Sealed at", sealedAt],
    ["Sequence", String(sequence)],
    ["Verified at", verifiedAt],
    ["Tree, SHA-256", roots.sha256],
    ["Tree, SM3", roots.sm3],
  ];
}
