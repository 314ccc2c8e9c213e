/**
 * Work on pixels that is done in JavaScript, as a table: what would hold up whoever waits for this thread is done in
 * another (`pixel-thread.ts`). Pure; a task and its result survive structured cloning.
 */
import type { RawImage } from "../image.ts";
import { decodeBmp } from "./bmp.ts";
import { rgbOfCmyk, rgbOfYcbcr } from "./colour-spaces.ts";
import { costOf, type Resampling, resample } from "./resample.ts";
import { rgbOfYuv, type YuvImage } from "./yuv.ts";

export type PixelTask =
  | { readonly kind: "resample"; readonly image: RawImage; readonly resampling: Resampling }
  /** A whole file. */
  | { readonly kind: "bmp"; readonly bytes: Uint8Array; readonly pixels: number }
  /** Pixels of four inks, or of brightness and two colour differences. */
  | { readonly kind: "cmyk" | "ycbcr"; readonly image: Omit<RawImage, "channels"> }
  | { readonly kind: "yuv"; readonly image: YuvImage };

/** @param stopped once true, the result is of no use. @throws Error with what is wrong with a bitmap */
export function doPixelTask(task: PixelTask, stopped: () => boolean): RawImage {
  switch (task.kind) {
    case "resample":
      return resample(task.image, task.resampling, stopped);
    case "bmp":
      return decodeBmp(task.bytes);
    case "cmyk":
      return { ...task.image, channels: 3, data: rgbOfCmyk(task.image.data) };
    case "ycbcr":
      return { ...task.image, channels: 3, data: rgbOfYcbcr(task.image.data) };
    case "yuv":
      return rgbOfYuv(task.image, stopped);
  }
}

/** Products, or what takes about as long: some hundred millions a second. */
export function workOf(task: PixelTask): number {
  switch (task.kind) {
    case "resample":
      return costOf(task.image, task.resampling).work;
    case "bmp":
      return 12 * task.pixels;
    case "cmyk":
    case "ycbcr":
    case "yuv":
      return 4 * task.image.data.length;
  }
}

/** What a task is given, in a buffer of its own that can move to another thread. */
export function withOwnBytes(task: PixelTask): { readonly task: PixelTask; readonly moved: ArrayBuffer } {
  if (task.kind === "bmp") {
    const bytes = Uint8Array.from(task.bytes);
    return { task: { ...task, bytes }, moved: bytes.buffer };
  }
  const data = Uint8Array.from(task.image.data);
  const moved = data.buffer;
  switch (task.kind) {
    case "resample":
      return { task: { ...task, image: { ...task.image, data } }, moved };
    case "yuv":
      return { task: { ...task, image: { ...task.image, data } }, moved };
    default:
      return { task: { ...task, image: { ...task.image, data } }, moved };
  }
}
