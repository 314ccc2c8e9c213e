/** Calls the Python scripts of the zoo that draw lines of text and scenes, whose texts and boxes are known. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type ImageSource, openImages } from "@cupel/vision";

/** What is drawn: single lines, scenes with lines of text, captchas. */
export type Drawing = "line" | "scene" | "captcha";

export interface DrawnImages {
  readonly images: ImageSource;
  /** Of the table of texts; null where the boxes lie beside the images. */
  readonly labels: string | null;
}

const scripts: Readonly<Record<Drawing, readonly string[]>> = {
  line: ["draw_lines.py"],
  scene: ["draw_scenes.py", "--kind", "lines"],
  captcha: ["draw_scenes.py", "--kind", "characters"],
};

export interface DrawingOptions {
  /** With Pillow. */
  readonly python: string;
  readonly drawing: Drawing;
  readonly count: number;
  readonly seed: number;
  /** A new folder. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** The same seed, fonts and Pillow give the same images. */
export async function drawImages(options: DrawingOptions): Promise<DrawnImages> {
  const { python, drawing, count, seed, folder, signal } = options;
  const [script = "", ...rest] = scripts[drawing];
  const path = fileURLToPath(new URL(`./${script}`, import.meta.url));
  const args = [path, folder, ...rest, "--count", `${count}`, "--seed", `${seed}`];
  await promisify(execFile)(python, args, { signal });
  return drawing === "line"
    ? { images: await openImages(folder), labels: join(folder, "lines.csv") }
    : { images: await openImages(join(folder, "images")), labels: null };
}

/** Whether an interpreter can draw. */
export async function hasPillow(python: string, signal: AbortSignal): Promise<boolean> {
  try {
    await promisify(execFile)(python, ["-c", "import PIL"], { signal });
    return true;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}
