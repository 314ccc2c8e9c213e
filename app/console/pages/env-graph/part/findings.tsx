/** What was found, as text: a chain is the names of its nodes in their order. */
import { MoreRows } from "../../../shared/part/more-rows.tsx";
import { Section } from "../../../shared/part/section.tsx";
import { showPart } from "../../../shared/show-part.ts";
import type { EnvGraphDocument } from "../../../src/env-pages.ts";
import type { Focus } from "../view/shown-part.ts";
import { findingText, kindText, timeText } from "../view/words.ts";

interface FindingsProps {
  readonly graph: EnvGraphDocument;
  readonly focus: Focus;
  /** Index into the findings. */
  readonly onShow: (at: number) => void;
}

export function Findings({ graph: { findings, nodes }, focus, onShow }: FindingsProps) {
  return (
    <Section
      id="findings"
      title="What was found"
      intro="A chain: who set the variable, where that is known, the variable, the script that it names, and the processes down to the one that ran it."
    >
      <div class="panel">
        <MoreRows rows={findings} most={20}>
          {(shown) => (
            <ol class="findings">
              {shown.map((finding, at) => {
                const isShown = focus.kind === "finding" && focus.at === at;
                return (
                  <li key={at}>
                    <ol class="chain">
                      {finding.nodes.map((place) => {
                        const node = nodes[place];
                        return (
                          node !== undefined && (
                            <li key={place}>
                              <b>{node.label}</b> <span class="muted">{kindText(node)}</span>
                            </li>
                          )
                        );
                      })}
                    </ol>
                    <p class="muted">
                      {[findingText(finding), timeText(finding.at)].filter((part) => part !== "").join(", ")}{" "}
                      <button
                        type="button"
                        class="link"
                        aria-pressed={isShown}
                        onClick={() => {
                          onShow(at);
                          showPart("graph");
                        }}
                      >
                        draw finding {at + 1}
                      </button>
                    </p>
                  </li>
                );
              })}
            </ol>
          )}
        </MoreRows>
      </div>
    </Section>
  );
}
