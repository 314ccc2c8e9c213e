/** The page from top to bottom: what was found first. */
import { useMemo, useState } from "preact/hooks";
import { Masthead } from "../../shared/part/masthead.tsx";
import { Section } from "../../shared/part/section.tsx";
import { SkipLink } from "../../shared/part/skip-link.tsx";
import { countText, plural } from "../../shared/view/number-text.ts";
import type { EnvGraphDocument } from "../../src/env-pages.ts";
import { EdgeTable } from "./part/edge-table.tsx";
import { Findings } from "./part/findings.tsx";
import { GraphDrawing } from "./part/graph-drawing.tsx";
import { draw } from "./view/drawing.ts";
import { type Focus, shownNodes } from "./view/shown-part.ts";
import { nodeName } from "./view/words.ts";

/** Nodes at first; each press doubles them. */
const firstNodes = 40;
const mostNodes = 320;

export function App({ graph }: { readonly graph: EnvGraphDocument }) {
  const [focus, setFocus] = useState<Focus>({ kind: "all" });
  const [most, setMost] = useState(firstNodes);
  const { nodes: shown, left } = useMemo(() => shownNodes(graph, focus, most), [graph, focus, most]);
  const drawing = useMemo(() => draw(graph, shown), [graph, shown]);
  const chains = graph.findings.filter(({ kind }) => kind === "chain").length;
  const asked = graph.findings.length - chains;
  const choose = (next: Focus) => {
    setFocus(next);
    setMost(firstNodes);
  };
  return (
    <>
      <SkipLink />
      <Masthead
        kind="provenance graph"
        title={
          chains === 0
            ? "No variable is found that names a script which then runs"
            : `${plural(chains, "chain")} ${chains === 1 ? "carries" : "carry"} a variable that names a script which then runs`
        }
        madeAt={graph.madeAt}
      >
        <p class="intro">
          {plural(graph.nodesInAll, "node")}, of {graph.inputs.join(", ")}.
        </p>
        <div class="remarks">
          {graph.question !== null && (
            <p class={asked === 0 ? "remark good" : "remark warning"}>
              <b>Who {graph.question}?</b> {asked === 0 ? "None is found." : `${plural(asked, "node")}.`}
            </p>
          )}
          {graph.recordsLeftOut > 0 && (
            <p class="remark warning">
              <b>The graph is full.</b> {plural(graph.recordsLeftOut, "record")} left out.
            </p>
          )}
        </div>
      </Masthead>
      <main id="main">
        {graph.findings.length > 0 && (
          <Findings graph={graph} focus={focus} onShow={(at) => choose({ kind: "finding", at })} />
        )}
        <Section
          id="graph"
          title="The graph"
          intro="Lines go from who did to what was done, from left to right; one that must go back is dashed. What was found is marked. Click a box to draw what is around it."
        >
          <div class="graph-controls">
            <button
              type="button"
              class="plain"
              disabled={focus.kind === "all"}
              onClick={() => choose({ kind: "all" })}
            >
              Draw from the beginning
            </button>
            <button
              type="button"
              class="plain"
              disabled={left <= 0 || shown.length < most || most >= mostNodes}
              onClick={() => setMost(most * 2)}
            >
              Draw more
            </button>
            <output>
              {focusText(graph, focus)}: {plural(shown.length, "node")} drawn
              {left > 0 ? `, ${countText(left)} not drawn` : ""}
            </output>
          </div>
          <GraphDrawing graph={graph} drawing={drawing} onPick={(at) => choose({ kind: "node", at })} />
          <EdgeTable graph={graph} shown={shown} onPick={(at) => choose({ kind: "node", at })} />
        </Section>
      </main>
    </>
  );
}

function focusText({ nodes }: EnvGraphDocument, focus: Focus): string {
  if (focus.kind === "all") return "From the beginning";
  if (focus.kind === "finding") return `Around finding ${focus.at + 1}`;
  const node = nodes[focus.at];
  return node === undefined ? "Around a node" : `Around ${nodeName(node)}`;
}
