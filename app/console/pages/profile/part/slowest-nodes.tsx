/** The nodes of the graph that took the most time. */
import type { SlowNode } from "@cupel/profile";
import { ScrollTable } from "../../../shared/part/scroll-table.tsx";
import { Section } from "../../../shared/part/section.tsx";
import { errorText, figureText, MISSING } from "../../../shared/view/number-text.ts";

export function SlowestNodes({ nodes }: { readonly nodes: readonly SlowNode[] }) {
  return (
    <Section
      id="slowest"
      title="The slowest nodes"
      intro="The ten slowest of all sessions. The first run of a session does not count if there are more. GMAC/s is billions of multiply-accumulates per second."
    >
      <div class="panel">
        <ScrollTable label="Table of the slowest nodes">
          <table class="plain">
            <thead>
              <tr>
                <th scope="col">node</th>
                <th scope="col">operator</th>
                <th scope="col">session</th>
                <th scope="col" class="numeric">
                  share of the run
                </th>
                <th scope="col" class="numeric">
                  ms per run
                </th>
                <th scope="col" class="numeric">
                  GMAC/s
                </th>
              </tr>
            </thead>
            <tbody>
              {nodes.map((node) => (
                <tr key={`${node.session}/${node.opType}/${node.node}`}>
                  <th scope="row">{node.node}</th>
                  <td>{node.opType}</td>
                  <td>{node.session}</td>
                  <td class="numeric">{errorText(node.share)}</td>
                  <td class="numeric">{figureText(node.msPerRun, 2)}</td>
                  <td class="numeric">
                    {node.gmacsPerSecond === null ? MISSING : figureText(node.gmacsPerSecond, 2)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollTable>
      </div>
    </Section>
  );
}
