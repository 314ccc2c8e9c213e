/** The image with what was found drawn over it, or the picture that the server drew. */
import { useEffect, useState } from "preact/hooks";
import { percentText, plural } from "../../../shared/view/number-text.ts";
import type { Answer, ToldBox } from "../view/answer.ts";

interface PictureProps {
  readonly file: File;
  readonly answer: Answer;
}

/** Of the largest score; a picture with more shows nothing. */
const mostBoxes = 200;
/** Pixels of a side under which pixels are shown as squares. */
const tiny = 200;
/** Told apart on any picture by their dark edge. */
const colours = 6;

export function Picture({ file, answer }: PictureProps) {
  const { width, height, boxes, drawing, mask } = answer;
  const url = useObjectUrl(file);
  const [unshown, setUnshown] = useState("");
  const shown = boxes?.toSorted((a, b) => b.score - a.score).slice(0, mostBoxes) ?? [];
  const isDrawn = mask !== null && drawing !== null;
  const source = isDrawn ? `data:image/png;base64,${drawing}` : url;
  const about = isDrawn
    ? "The image with a colour for each class"
    : `The image${boxes === null ? "" : `, with ${plural(shown.length, "box", "boxes")} drawn`}`;
  // Small boxes above large ones, so that each can be reached.
  const drawn = shown.toSorted((a, b) => areaOf(b) - areaOf(a));
  return (
    <figure
      class="picture"
      style={{ aspectRatio: `${width} / ${height}`, maxWidth: `${shownWidth(width, height)}px` }}
    >
      {source !== "" && (
        <img
          src={source}
          alt={unshown === source ? "The browser cannot show this image" : about}
          class={Math.max(width, height) < tiny && !isDrawn ? "tiny" : ""}
          onError={() => setUnshown(source)}
        />
      )}
      {drawn.map((box, i) => (
        <div
          key={i}
          class={`box colour-${Math.abs(box.index) % colours}`}
          style={placeOf(box, answer)}
          aria-hidden="true"
        >
          <span>{`${box.name} ${percentText(box.score, 0)}`}</span>
        </div>
      ))}
    </figure>
  );
}

function areaOf({ left, top, right, bottom }: ToldBox): number {
  return (right - left) * (bottom - top);
}

/** A box may stick out of its image: what is within is drawn. */
function placeOf({ left, top, right, bottom }: ToldBox, { width, height }: Answer) {
  const within = (value: number, size: number) => (Math.max(0, Math.min(size, value)) / size) * 100;
  const [x, y] = [within(left, width), within(top, height)];
  return {
    left: `${x}%`,
    top: `${y}%`,
    width: `${within(right, width) - x}%`,
    height: `${within(bottom, height) - y}%`,
  };
}

/** CSS pixels: a small image is made larger, a tall one is not taller than the screen. */
function shownWidth(width: number, height: number): number {
  return Math.round(Math.min(Math.max(width, 320), 480 * (width / height)));
}

/** Given back to the browser when another takes its place; "" until there is one. */
function useObjectUrl(file: File): string {
  const [url, setUrl] = useState("");
  useEffect(() => {
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  return url;
}
