/** What is worth a look first: what was denied, is not listed, or is new. */
import { MoreRows } from "../../../shared/part/more-rows.tsx";
import { Section } from "../../../shared/part/section.tsx";
import { showPart } from "../../../shared/show-part.ts";
import type { Finding } from "../view/findings.ts";
import { Marks } from "./marks.tsx";

interface FindingsProps {
  readonly findings: readonly Finding[];
  /** Index into the packages. */
  readonly onSelect: (at: number) => void;
}

export function Findings({ findings, onSelect }: FindingsProps) {
  return (
    <Section id="findings" title="What to look at" intro="Secrets first. Each leads to what its package did.">
      <div class="panel">
        <MoreRows rows={findings} most={20}>
          {(shown) => (
            <ul class="findings">
              {shown.map((finding, i) => (
                <li key={i}>
                  <button
                    type="button"
                    class="link"
                    onClick={() => {
                      onSelect(finding.package);
                      showPart("package");
                    }}
                  >
                    {finding.sentence}
                  </button>{" "}
                  <Marks {...finding} />
                </li>
              ))}
            </ul>
          )}
        </MoreRows>
      </div>
    </Section>
  );
}
