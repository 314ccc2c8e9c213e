/** The graph as SVG. The table below it says the same for who does not see it. */
import { useEffect, useMemo, useRef } from "preact/hooks";
import { plural } from "../../../shared/view/number-text.ts";
import type { EnvGraphDocument } from "../../../src/env-pages.ts";
import { type Drawing, type DrawnLine, type DrawnNode, linePath } from "../view/drawing.ts";

interface GraphDrawingProps {
  readonly graph: EnvGraphDocument;
  readonly drawing: Drawing;
  /** Index into the nodes. */
  readonly onPick: (at: number) => void;
}

const margin = 10;

export function GraphDrawing({ graph, drawing, onPick }: GraphDrawingProps) {
  const { found, steps } = useMemo(() => foundIn(graph), [graph]);
  const { nodes, lines } = drawing;
  const region = useRef<HTMLElement>(null);
  // What the drawing begins with is what is looked at.
  useEffect(() => {
    const box = drawing.nodes[0]?.box;
    if (box === undefined || region.current === null) return;
    const { clientWidth, clientHeight } = region.current;
    region.current.scrollTo(box.x + box.width - clientWidth / 3, box.y + box.height / 2 - clientHeight / 2);
  }, [drawing]);
  const [width, height] = [drawing.width + 2 * margin, drawing.height + 2 * margin];
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must take the keyboard
    <section ref={region} class="panel drawing" aria-label="Drawing of the graph" tabIndex={0}>
      <svg
        role="img"
        aria-label={`${plural(nodes.length, "node")} and ${plural(lines.length, "line")}; the table below has all of them.`}
        width={width}
        height={height}
        viewBox={`${-margin} ${-margin} ${width} ${height}`}
      >
        <defs>
          {["plain", "found"].map((name) => (
            <marker
              key={name}
              id={`arrow-${name}`}
              class={name}
              viewBox="0 0 8 8"
              refX="7.5"
              refY="4"
              markerWidth="8"
              markerHeight="8"
              markerUnits="userSpaceOnUse"
              orient="auto-start-reverse"
            >
              <path d="M0 0.5L8 4L0 7.5z" />
            </marker>
          ))}
        </defs>
        {lines.map((line, i) => (
          <Line key={i} drawn={line} isFound={steps.has(stepOf(line.from, line.to))} />
        ))}
        {nodes.map((node) => (
          <Node key={node.at} drawn={node} isFound={found.has(node.at)} onPick={onPick} />
        ))}
      </svg>
    </section>
  );
}

function Line({ drawn, isFound }: { readonly drawn: DrawnLine; readonly isFound: boolean }) {
  const { line, words, leadsOn, leadsBack } = drawn;
  const name = isFound ? "found" : "plain";
  const arrow = `url(#arrow-${name})`;
  // Pieces go from left to right, whichever way the line leads.
  const [atLeft, atRight] = line.isBackward ? [leadsOn, leadsBack] : [leadsBack, leadsOn];
  const { x, y, width, height } = line.words;
  return (
    <g class={line.isBackward ? `line backward ${name}` : `line ${name}`}>
      <path
        d={linePath(line.pieces)}
        marker-start={atLeft ? arrow : undefined}
        marker-end={atRight ? arrow : undefined}
      />
      <rect x={x} y={y} width={width} height={height} rx={4} />
      <text x={x + width / 2} y={y + height / 2}>
        {words}
      </text>
    </g>
  );
}

interface NodeProps {
  readonly drawn: DrawnNode;
  readonly isFound: boolean;
  readonly onPick: (at: number) => void;
}

function Node({ drawn: { at, node, text, kind, box }, isFound, onPick }: NodeProps) {
  const { x, y, width, height } = box;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the table has a button for each
    <g class={`node ${node.kind}${isFound ? " found" : ""}`} onClick={() => onPick(at)}>
      <title>{[node.label, kind, ...node.details].join("\n")}</title>
      <rect x={x} y={y} width={width} height={height} rx={node.kind === "variable" ? 22 : 6} />
      <text class="kind" x={x + width / 2} y={y + 15}>
        {kind}
      </text>
      <text x={x + width / 2} y={y + 31}>
        {text}
      </text>
    </g>
  );
}

/** Nodes of all findings, and pairs of nodes of one. */
function foundIn({ findings }: EnvGraphDocument) {
  const found = new Set(findings.flatMap(({ nodes }) => nodes));
  const steps = new Set(
    findings.flatMap(({ nodes }) => nodes.flatMap((from) => nodes.map((to) => stepOf(from, to)))),
  );
  return { found, steps };
}

function stepOf(from: number, to: number): string {
  return from < to ? `${from} ${to}` : `${to} ${from}`;
}
