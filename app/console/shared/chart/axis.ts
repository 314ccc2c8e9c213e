/** The look of chart axes: thin lines, muted text. */
import type { Palette } from "./palette.ts";

export function axisStyle(palette: Palette, { grid }: { readonly grid: boolean }) {
  return {
    axisLine: { lineStyle: { color: palette.line } },
    axisTick: { show: false },
    axisLabel: { color: palette.muted, fontSize: 12, fontFamily: palette.font },
    nameTextStyle: { color: palette.muted, fontSize: 12, fontFamily: palette.font },
    splitLine: { show: grid, lineStyle: { color: palette.line } },
  };
}
