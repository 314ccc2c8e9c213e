/**
 * One ECharts canvas in the page: follows its container's width and the colour scheme, and is redrawn
 * in light colours at paper width before printing.
 */
import type { EChartsCoreOption } from "echarts/core";
import { useEffect, useRef } from "preact/hooks";
import { init } from "./echarts.ts";
import { type Palette, readPalette } from "./palette.ts";

export interface ChartFrame {
  /** CSS pixels. */
  readonly width: number;
  readonly palette: Palette;
}

export type DrawChart = (frame: ChartFrame) => EChartsCoreOption;

interface ChartProps {
  /** What a screen reader says in place of the image. */
  readonly label: string;
  readonly height: number;
  /** Keep its identity while nothing changes: a new one redraws. */
  readonly draw: DrawChart;
  /** A mark was clicked. */
  readonly onPick?: (dataIndex: number) => void;
}

/** A4 less its margins, in CSS pixels. */
const PAPER_WIDTH = 680;

export function Chart({ label, height, draw, onPick }: ChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const latest = useRef({ draw, onPick });
  const redraw = useRef(() => {});
  latest.current = { draw, onPick };

  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    // Twice the pixels at least, so that a printed canvas is sharp.
    let drawnWidth = 0;
    const chart = init(element, null, { devicePixelRatio: Math.max(2, window.devicePixelRatio) });
    const drawAt = (width: number) => {
      if (width === 0) return;
      chart.resize({ width, height: element.clientHeight });
      chart.setOption(latest.current.draw({ width, palette: readPalette() }), { notMerge: true });
    };
    redraw.current = () => {
      drawnWidth = element.clientWidth;
      drawAt(drawnWidth);
    };
    chart.on("click", ({ dataIndex }) => latest.current.onPick?.(dataIndex));

    const listening = new AbortController();
    const { signal } = listening;
    const observer = new ResizeObserver(() => {
      if (element.clientWidth !== drawnWidth) redraw.current();
    });
    observer.observe(element);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", () => redraw.current(), { signal });
    const forPaper = () => {
      document.documentElement.dataset.printing = "";
      drawAt(Math.min(PAPER_WIDTH, element.clientWidth));
      // Paper does not wait for the next frame.
      chart.getZr().flush();
    };
    const forScreen = () => {
      delete document.documentElement.dataset.printing;
      redraw.current();
    };
    addEventListener("beforeprint", forPaper, { signal });
    addEventListener("afterprint", forScreen, { signal });
    return () => {
      listening.abort();
      observer.disconnect();
      chart.dispose();
    };
  }, []);

  useEffect(() => redraw.current(), [draw, height]);

  return <div class="chart" role="img" aria-label={label} ref={host} style={{ height: `${height}px` }} />;
}
