/**
 * Tooltips as elements, not HTML text: names come from models and must never be parsed. One look for
 * all charts.
 */
import type { Palette } from "./palette.ts";

/** The first line stands out; empty lines are left out. */
export function tooltipLines(title: string, ...lines: readonly string[]): HTMLElement {
  const box = document.createElement("div");
  box.className = "tooltip";
  const head = document.createElement("strong");
  head.textContent = title;
  box.append(head);
  for (const line of lines.filter(Boolean)) {
    const row = document.createElement("div");
    row.textContent = line;
    box.append(row);
  }
  return box;
}

export function tooltipStyle(palette: Palette) {
  return {
    confine: true,
    transitionDuration: 0,
    backgroundColor: palette.card,
    borderColor: palette.muted,
    borderWidth: 1,
    padding: [8, 10],
    textStyle: { color: palette.ink, fontSize: 13, fontFamily: palette.font },
  };
}
