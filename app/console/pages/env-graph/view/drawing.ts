/** What is drawn: sizes of boxes by their text, one line for all edges between two nodes, and where everything lies. Pure. */
import type { EnvGraphDocument, ProvenanceEdge, ProvenanceNode } from "../../../src/env-pages.ts";
import {
  type Layout,
  type LevelPiece,
  layOut,
  type PlacedBox,
  type PlacedLine,
} from "./layout/layered-layout.ts";
import { kindText, wordsBetween } from "./words.ts";

export interface DrawnNode {
  /** Index into the nodes. */
  readonly at: number;
  readonly node: ProvenanceNode;
  /** Its name, shortened where it is long. */
  readonly text: string;
  readonly kind: string;
  readonly box: PlacedBox;
}

export interface DrawnLine {
  /** Indices into the nodes. */
  readonly from: number;
  readonly to: number;
  readonly words: string;
  readonly line: PlacedLine;
  /** There are edges from `from` to `to`, and the other way. */
  readonly leadsOn: boolean;
  readonly leadsBack: boolean;
}

export interface Drawing extends Pick<Layout, "width" | "height"> {
  readonly nodes: readonly DrawnNode[];
  readonly lines: readonly DrawnLine[];
}

/** Pixels of a letter of 12 pixels of a fixed width, with some room; others may take two. */
const letter = 7.4;
const longest = 30;

export function draw(graph: EnvGraphDocument, shown: readonly number[]): Drawing {
  const places = new Map(shown.map((at, i) => [at, i]));
  const pairs = Map.groupBy(
    graph.edges.filter(({ from, to }) => from !== to && places.has(from) && places.has(to)),
    ({ from, to }) => (from < to ? `${from} ${to}` : `${to} ${from}`),
  );
  const found = shown.flatMap((at) => {
    const node = graph.nodes[at];
    return node === undefined ? [] : [{ at, node, text: shortened(node.label), kind: kindText(node) }];
  });
  const sizes = found.map(({ text, kind }) => ({
    width: Math.ceil(Math.max(cells(text), cells(kind) * 0.9) * letter + 22),
    height: 44,
  }));
  const joined = [...pairs.values()].flatMap((edges) => {
    const [first] = edges;
    return first === undefined ? [] : [{ first, edges, words: wordsBetween(edges) }];
  });
  const layout = layOut(
    sizes,
    joined.map(({ first, words }) => ({
      from: places.get(first.from) ?? 0,
      to: places.get(first.to) ?? 0,
      words: { width: Math.ceil(cells(words) * letter * 0.9 + 10), height: 18 },
    })),
  );
  return {
    width: layout.width,
    height: layout.height,
    nodes: found.flatMap((each, i) => {
      const box = layout.boxes[i];
      return box === undefined ? [] : [{ ...each, box }];
    }),
    lines: joined.flatMap(({ first, edges, words }, i) => {
      const line = layout.lines[i];
      const leads = (from: number) => edges.some((edge: ProvenanceEdge) => edge.from === from);
      const { from, to } = first;
      return line == null ? [] : [{ from, to, words, line, leadsOn: leads(from), leadsBack: leads(to) }];
    }),
  };
}

/** The end of a path says more than its middle. */
export function shortened(text: string): string {
  const characters = Array.from(text);
  if (characters.length <= longest) return text;
  const head = Math.floor(longest / 3);
  return `${characters.slice(0, head).join("")}\u2026${characters.slice(head - longest + 1).join("")}`;
}

/** Room in letters: what is not of the Latin, Greek and Cyrillic scripts may be twice as wide. */
function cells(text: string): number {
  return Array.from(text).reduce((sum, character) => sum + (/[ -\u04ff\u2026]/.test(character) ? 1 : 2), 0);
}

/** As SVG has it: level in columns, bent between them. */
export function linePath(pieces: readonly LevelPiece[]): string {
  return pieces
    .map(({ x1, x2, y }, i) => {
      const before = pieces[i - 1];
      const level = `H${round(x2)}`;
      if (before === undefined) return `M${round(x1)} ${round(y)}${level}`;
      const middle = round((before.x2 + x1) / 2);
      return `C${middle} ${round(before.y)} ${middle} ${round(y)} ${round(x1)} ${round(y)}${level}`;
    })
    .join("");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
