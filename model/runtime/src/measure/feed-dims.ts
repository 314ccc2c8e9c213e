/**
 * Sizes for the dimensions that a model leaves open, so that it can be fed without an image: the one place that
 * chooses them. A network of images is never measured at 1 x 1 pixel: its time there says nothing, and many fail. Pure.
 */
import { own } from "@cupel/base";
import type { Feeds } from "../session/feeds.ts";
import type { ValueInfo } from "../session/tensor-data.ts";
import { assertInputSizes } from "./input-limit.ts";

/** What of the inputs the model itself does not say. */
export interface InputForms {
  /**
   * Whole shapes by name of input, such as the one that a preprocessing makes; inputs that share a symbol with it share
   * its size. The first size gives way to `batch` where the model leaves it open.
   */
  readonly shapes?: Readonly<Record<string, readonly number[]>> | undefined;
  /** Tensors by name of input, to be fed as they are. One whose first size is 1 is repeated for each image. */
  readonly tensors?: Feeds | undefined;
}

export interface FeedSizes extends InputForms {
  /** Images a run, where the model leaves that open. Default 1. */
  readonly batch?: number | undefined;
  /** Pixels a side of images whose size is open and not in `shapes`. Default 224. */
  readonly side?: number | undefined;
}

type Declared = Pick<ValueInfo, "name" | "dims">;

const usualSide = 224;
/** Of an image whose number of channels is open too. */
const usualChannels = 3;
/** Numbers of channels that images have. */
const imageChannels: readonly (number | string)[] = [1, 3, 4];

/**
 * The shape of each input, in their order. Open sizes are, in this order: those given, those of the same symbol, the
 * batch for a first one, pixels and channels of what looks like an image, else 1.
 * @throws INPUT_TOO_LARGE
 */
export function feedDims(inputs: readonly Declared[], sizes: FeedSizes = {}): number[][] {
  const { batch = 1, side = usualSide } = sizes;
  const symbols = new Map<string, number>();
  const close = ({ name, dims }: Declared): number[] => {
    const { shape, tensor } = given(sizes, name);
    const guess = imageSizes(dims, side);
    const closed = dims.map((dim, axis) => {
      if (!isOpen(dim)) return Number(dim);
      const known = typeof dim === "string" ? symbols.get(dim) : undefined;
      if (known !== undefined) return known;
      if (axis === 0 && guess[0] === null) {
        // The symbol of an image's first size is known by now: another one counts something else.
        const counts = tensor !== null && (dim !== "" || tensor[0] !== 1);
        return counts ? (tensor[0] ?? 1) : batch;
      }
      return (shape ?? tensor ?? guess)[axis] ?? 1;
    });
    dims.forEach((dim, axis) => {
      if (typeof dim === "string" && dim !== "") symbols.set(dim, closed[axis]!);
    });
    return closed;
  };
  const turn = ({ name, dims }: Declared): number => {
    const { shape, tensor } = given(sizes, name);
    return shape ? 0 : tensor ? 2 : isImage(dims) ? 1 : 3;
  };
  const closed = new Map(
    inputs.toSorted((a, b) => turn(a) - turn(b)).map((input) => [input.name, close(input)]),
  );
  // How many images there are is the caller's affair where the model leaves it open.
  const ofOne = inputs.map(({ name, dims }) => {
    const [first = 1, ...rest] = closed.get(name)!;
    return { name, dims: [isOpen(dims[0]) ? 1 : first, ...rest] };
  });
  assertInputSizes(ofOne);
  return inputs.map(({ name }) => closed.get(name)!);
}

/** Whether another side would make other feeds. */
export function isSideOpen(inputs: readonly Declared[], { shapes = {} }: InputForms = {}): boolean {
  return inputs.some(
    ({ name, dims }) =>
      !Object.hasOwn(shapes, name) &&
      imageSizes(dims, 2).some((size, axis) => size !== null && isOpen(dims[axis])),
  );
}

/** A symbol, or a number that is no size, as exporters write for one. */
function isOpen(dim: number | string | undefined): boolean {
  return typeof dim === "string" || (dim !== undefined && dim < 0);
}

function given({ shapes = {}, tensors = {} }: InputForms, name: string) {
  return {
    shape: own(shapes, name) ?? null,
    tensor: own(tensors, name)?.dims ?? null,
  };
}

type Dims = Declared["dims"];

/** Of an image, its open pixels and channels by axis; null for all else: also of a value that is no image. */
function imageSizes(dims: Dims, side: number): (number | null)[] {
  const channels = channelAxis(dims);
  if (channels === null) return dims.map(() => null);
  return dims.map((_, axis) => {
    if (axis === channels) return usualChannels;
    return axis < dims.length - 3 ? null : side;
  });
}

const isImage = (dims: Dims): boolean => channelAxis(dims) !== null;

/**
 * Of [N, C, H, W], [N, H, W, C], [C, H, W] or [H, W, C]; null where the sizes are not those of an image. Features of
 * rank 4 whose last two sizes are open count as an image; a sequence, of which one is, does not.
 */
function channelAxis(dims: Dims): number | null {
  if (dims.length !== 3 && dims.length !== 4) return null;
  const first = dims.length - 3;
  const last = dims.length - 1;
  const axis = imageChannels.includes(dims[first]!)
    ? first
    : imageChannels.includes(dims[last]!)
      ? last
      : null;
  if (axis !== null) return axis;
  const areOpen = dims.slice(first + 1).every((dim) => isOpen(dim));
  return dims.length === 4 && areOpen ? first : null;
}
