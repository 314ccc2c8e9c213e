/**
 * The flame graph: zoom by click or key, search, and the box at hand in words. Zooming sets two numbers on the
 * graph; every box finds its own place from them (see the style).
 */
import type { FlameFrame } from "@cupel/profile";
import type { TargetedKeyboardEvent } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import { Section } from "../../../shared/part/section.tsx";
import { childOf, layOut, parentOf, rowsFor, siblingOf } from "../view/boxes.ts";
import { foundText, searchBoxes } from "../view/frame-search.ts";
import { frameText } from "../view/frame-text.ts";
import { FlameBox } from "./flame-box.tsx";
import { FlameLegend } from "./flame-legend.tsx";

export function FlameGraph({ tree }: { readonly tree: FlameFrame }) {
  const graph = useRef<HTMLDivElement>(null);
  const boxes = useMemo(() => layOut(tree), [tree]);
  const [words, setWords] = useState("");
  /** Indices of boxes: zoomed to the full width, reached by the keyboard, under the pointer. */
  const [zoomed, setZoomed] = useState(0);
  const [current, setCurrent] = useState(0);
  const [hovered, setHovered] = useState<number | null>(null);

  const found = useMemo(() => searchBoxes(boxes, words), [boxes, words]);
  const zoomedBox = boxes[zoomed] ?? { frame: tree, x: 0, width: 1, depth: 0 };
  const rows = useMemo(() => rowsFor(boxes, zoomedBox), [boxes, zoomedBox]);
  const shown = boxes[hovered ?? current]?.frame ?? tree;

  const select = (index: number | null) => {
    const element = index === null ? undefined : graph.current?.children[index];
    if (index === null || !(element instanceof HTMLElement)) return;
    setCurrent(index);
    setHovered(null);
    element.focus({ preventScroll: true });
    element.scrollIntoView({ block: "nearest" });
  };
  const zoom = (index: number) => {
    setZoomed(index);
    select(index);
  };
  const keys = new Map<string, () => void>([
    ["ArrowDown", () => select(childOf(boxes, current))],
    ["ArrowUp", () => select(parentOf(boxes, current))],
    ["ArrowRight", () => select(siblingOf(boxes, current, 1))],
    ["ArrowLeft", () => select(siblingOf(boxes, current, -1))],
    ["Home", () => select(0)],
    ["Enter", () => zoom(current)],
    [" ", () => zoom(current)],
    ["Escape", () => zoom(0)],
  ]);
  const onKeyDown = (event: TargetedKeyboardEvent<HTMLDivElement>) => {
    const act = keys.get(event.key);
    if (act === undefined) return;
    event.preventDefault();
    act();
  };

  // The same elements while nothing about them changes: moving the pointer draws no box again.
  const drawn = useMemo(
    () =>
      boxes.map((box, index) => (
        <FlameBox
          key={index}
          box={box}
          label={frameText(box.frame, tree.us)}
          isCurrent={index === current}
          isZoomed={index === zoomed && index > 0}
          isHit={found?.hits.has(index) ?? false}
        />
      )),
    [boxes, tree, current, zoomed, found],
  );

  return (
    <Section
      id="graph-section"
      title="Where the time went"
      intro="Click a box to zoom in, the top box to zoom out. By keyboard: arrow keys to move, Enter to zoom in, Escape to zoom out."
    >
      <div class="search">
        <label>
          Search{" "}
          <input
            type="search"
            value={words}
            placeholder="Conv, layer1, decode"
            autocomplete="off"
            onInput={(event) => setWords(event.currentTarget.value)}
          />
        </label>
        <button type="button" class="plain" disabled={zoomed === 0} onClick={() => zoom(0)}>
          Show all
        </button>
        <output>{foundText(found)}</output>
      </div>
      <FlameLegend />
      <p class="panel frame-detail" role="status">
        {frameText(shown, tree.us)}
      </p>
      <div class="panel flame-panel">
        <div
          ref={graph}
          class={found === null ? "flame-graph" : "flame-graph searching"}
          role="tree"
          tabIndex={-1}
          aria-label="Flame graph"
          style={{ "--zoom-x": zoomedBox.x, "--zoom-w": zoomedBox.width, "--rows": rows }}
          onKeyDown={onKeyDown}
          onClick={(event) => {
            const index = indexOf(event.target);
            if (index !== null) zoom(index);
          }}
          onPointerOver={(event) => setHovered(indexOf(event.target))}
          onPointerLeave={() => setHovered(null)}
        >
          {drawn}
        </div>
      </div>
    </Section>
  );
}

/** The index of the box that an event happened in. */
function indexOf(target: EventTarget | null): number | null {
  const box = target instanceof Element ? target.closest("[role=treeitem]") : null;
  return box?.parentElement ? [...box.parentElement.children].indexOf(box) : null;
}
