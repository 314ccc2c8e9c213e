/**
 * A flame graph as one HTML file that opens anywhere: style and script inside, nothing fetched, and only
 * this script, known by its digest, may run. The boxes are there without the script; it adds zoom, keys and search.
 */
import { createHash } from "node:crypto";
import type { FlameFrame, FrameKind } from "./flame-frame.ts";
import { pageScript } from "./flame-script.ts";
import { pageStyle } from "./flame-style.ts";

export interface FlamePageOptions {
  readonly title: string;
  /** Sentences, most important first: `dearNodeText` makes them. */
  readonly summary: readonly string[];
}

/** Boxes below this share of the whole are left out: thinner than a pixel even when zoomed tenfold. */
const thinnest = 1e-4;

const kinds: Readonly<Record<FrameKind, string>> = {
  thread: "thread or session",
  engine: "engine: run, layer",
  kernel: "engine: node",
  script: "JavaScript",
  node: "Node itself",
  native: "native code, collector",
};

/** @param tree as `flameTree` makes it */
export function renderFlameGraph(tree: FlameFrame, { title, summary }: FlamePageOptions): string {
  const boxes: Box[] = [];
  layOut(tree, { x: 0, depth: 0, whole: tree.us }, boxes);
  const digest = createHash("sha256").update(pageScript).digest("base64");
  const policy = `default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-${digest}'; base-uri 'none'; form-action 'none'`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${escaped(title)}: profile</title>
<style>${pageStyle}</style>
</head>
<body>
<main>
<p class="brand">Cupel profile</p>
<h1>${escaped(title)}</h1>
<p class="intro">${timeText(tree.us)} of work, added over threads; the time a thread waited is not shown. Width is time, not order: equal calls are one box.</p>
${summarySection(summary)}
<section aria-labelledby="graph-title">
<h2 id="graph-title">Where the time went</h2>
<p class="intro">Click a box to zoom, the top one to come back. By keyboard: arrows to move, Enter to zoom, Escape to come back.</p>
<div class="controls">
<label>Search <input type="search" id="search" placeholder="Conv, layer1, decode" autocomplete="off"></label>
<button type="button" id="reset" disabled>Show all</button>
<output id="found" for="search"></output>
</div>
<ul class="legend">${Object.entries(kinds)
    .map(([kind, name]) => `<li><span class="swatch ${kind}"></span>${name}</li>`)
    .join("")}</ul>
<p id="detail" class="panel" role="status">${escaped(labelOf(tree, tree.us))}</p>
<div class="graph panel"><div id="graph" role="tree" aria-labelledby="graph-title">
${boxes.map((box, index) => boxHtml(box, tree.us, index === 0)).join("\n")}
</div></div>
</section>
</main>
<script type="module">${pageScript}</script>
</body>
</html>
`;
}

interface Box {
  readonly frame: FlameFrame;
  /** Left edge, of the whole. */
  readonly x: number;
  readonly depth: number;
}

/** Outer boxes before inner ones: the order that the keyboard follows. */
function layOut(frame: FlameFrame, at: { x: number; depth: number; whole: number }, boxes: Box[]): void {
  if (at.depth > 0 && !(frame.us >= thinnest * at.whole)) return;
  boxes.push({ frame, x: at.x, depth: at.depth });
  let x = at.x;
  for (const child of frame.children) {
    layOut(child, { x, depth: at.depth + 1, whole: at.whole }, boxes);
    x += at.whole === 0 ? 0 : child.us / at.whole;
  }
}

function boxHtml({ frame, x, depth }: Box, whole: number, isRoot: boolean): string {
  const width = whole === 0 || isRoot ? 1 : frame.us / whole;
  const label = escaped(labelOf(frame, whole));
  return (
    `<div role="treeitem" class="${frame.kind}" aria-level="${depth + 1}" tabindex="${isRoot ? 0 : -1}" aria-label="${label}" title="${label}"` +
    ` style="--x:${fraction(x)};--w:${fraction(width)};--depth:${depth}"><span>${escaped(frame.name)}</span></div>`
  );
}

function labelOf(frame: FlameFrame, whole: number): string {
  const own = frame.us - frame.children.reduce((sum, { us }) => sum + us, 0);
  const share = whole === 0 ? 0 : frame.us / whole;
  const parts = [
    `${timeText(frame.us)}, ${percent(share)} of all`,
    ...(frame.children.length > 0 && own > 0 ? [`${timeText(own)} its own`] : []),
    ...(frame.note === "" ? [] : [frame.note]),
  ];
  return `${frame.name}: ${parts.join("; ")}`;
}

function summarySection(summary: readonly string[]): string {
  if (summary.length === 0) return "";
  const items = summary.map((sentence) => `<li>${escaped(sentence)}</li>`).join("\n");
  return `<section aria-labelledby="slowest-title">
<h2 id="slowest-title">The slowest nodes</h2>
<ol class="panel">
${items}
</ol>
</section>`;
}

function timeText(us: number): string {
  if (us >= 1e6) return `${(us / 1e6).toFixed(us >= 1e7 ? 1 : 2)} s`;
  return us >= 1000 ? `${(us / 1000).toFixed(us >= 1e5 ? 0 : 1)} ms` : `${us.toFixed(0)} µs`;
}

const percent = (share: number) => `${(100 * share).toFixed(share < 0.1 ? 2 : 1)} %`;
const fraction = (value: number) => Number(value.toFixed(9)).toString();

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => entities[character]!);
}
