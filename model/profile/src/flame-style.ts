/** The look of the page: the colours, type and measures of the console's report, and the places of the boxes. */
export const pageStyle = `
:root {
  color-scheme: light;
  --paper: #f7f6f3; --card: #ffffff; --ink: #1c2026; --muted: #5d6570; --line: #e3e1db;
  --accent: #0b5f8a; --brand: #8a6a1f; --hover: #f1f4f7; --select: #1c2026;
  --thread: #dddbd4; --engine: #f0dfae; --kernel: #f7bd97; --script: #bcdcf0; --node: #dfe7ec; --native: #e3d3ea;
  --font: ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "Liberation Sans", Arial, sans-serif;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    color-scheme: dark;
    --paper: #121519; --card: #1a1e24; --ink: #e7e5e0; --muted: #9ca4af; --line: #2e343d;
    --accent: #7cc0ea; --brand: #d6b565; --hover: #222831; --select: #f4f2ec;
    --thread: #3a404a; --engine: #57471b; --kernel: #7c3b2a; --script: #1d4a66; --node: #2d3a45; --native: #47345a;
  }
}
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px / 1.5 var(--font); }
main { max-width: 1264px; margin: 0 auto; padding: 28px 24px 64px; }
h1, h2, p, ol, ul { margin: 0; padding: 0; }
h1 { font-size: 28px; line-height: 1.2; font-weight: 680; letter-spacing: -0.015em; overflow-wrap: anywhere; }
h2 { font-size: 22px; line-height: 1.25; font-weight: 650; letter-spacing: -0.01em; }
section { margin-top: 44px; }
.brand { margin-bottom: 10px; color: var(--brand); font-weight: 650; }
.intro { max-width: 76ch; margin-top: 6px; color: var(--muted); }
.panel { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px 18px; }
ol.panel { margin-top: 14px; padding-left: 44px; }
ol li { padding: 2px 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
.controls { display: flex; flex-wrap: wrap; gap: 10px 14px; align-items: center; margin-top: 16px; }
.controls label { color: var(--muted); font-size: 13.5px; }
input, button { font: inherit; color: var(--ink); background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: 4px 10px; }
input { margin-left: 6px; width: min(260px, 60vw); }
button { cursor: pointer; font-size: 13.5px; }
button:hover:not(:disabled) { background: var(--hover); }
button:disabled { color: var(--muted); cursor: default; opacity: 0.6; }
output { color: var(--muted); font-size: 13.5px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 12px 0; list-style: none; font-size: 13.5px; color: var(--muted); }
.legend li { display: flex; align-items: center; gap: 6px; }
.swatch { width: 14px; height: 14px; border-radius: 3px; }
.thread { background: var(--thread); }
.engine { background: var(--engine); }
.kernel { background: var(--kernel); }
.script { background: var(--script); }
.node { background: var(--node); }
.native { background: var(--native); }
.graph.panel { padding: 10px; }
#graph {
  --zoom-x: 0; --zoom-w: 1; --row: 22px; --rows: 24;
  position: relative; overflow: hidden; height: calc(var(--rows) * var(--row));
}
#graph > div {
  position: absolute; overflow: hidden; cursor: pointer;
  top: calc(var(--depth) * var(--row)); height: calc(var(--row) - 1px);
  left: max(0%, (var(--x) - var(--zoom-x)) / var(--zoom-w) * 100%);
  right: max(0%, 100% - (var(--x) + var(--w) - var(--zoom-x)) / var(--zoom-w) * 100%);
  box-shadow: inset -1px 0 var(--card);
  font-size: 12.5px; line-height: calc(var(--row) - 1px); white-space: nowrap;
}
#graph > div > span { padding: 0 5px; }
#graph > div:hover { filter: brightness(0.94); }
#graph > div:focus-visible { outline-offset: -2px; outline-color: var(--select); border-radius: 0; }
#graph.searching > div:not(.hit) { opacity: 0.3; }
#graph > .hit { font-weight: 650; }
#detail { position: sticky; top: 8px; z-index: 1; margin-bottom: 8px; min-height: 50px; overflow-wrap: anywhere; font-size: 14px; font-variant-numeric: tabular-nums; }
@media (prefers-color-scheme: dark) { #graph > div:hover { filter: brightness(1.2); } }
@media (prefers-reduced-motion: no-preference) { #graph > div { transition: left 0.2s, right 0.2s; } }
@media (max-width: 800px) {
  main { padding: 18px 14px 48px; }
  .panel { padding-left: 14px; padding-right: 14px; }
  .graph.panel { padding: 6px; }
  #detail { min-height: 94px; }
  ol.panel { padding-left: 34px; }
  #graph { --row: 28px; }
}
`;
