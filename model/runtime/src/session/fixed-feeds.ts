/**
 * Inputs that are fed the same in every run, such as a scale beside an image: a session that knows them takes the
 * others only, so that whoever feeds images need not know that there are more.
 */
import { own } from "@cupel/base";
import type { Feeds } from "./feeds.ts";
import { type InferenceSession, openSession } from "./session.ts";
import { copyOf, repeatedTo, type TensorData, type ValueInfo } from "./tensor-data.ts";

/**
 * @param tensors by name of input, each of one image or of all. One whose first size is 1 is repeated for each image of
 * a run, where the model leaves that size open. Names that a model does not have are not fed.
 * @param open what sessions are opened with. Default: `openSession`.
 */
export function sessionsWithFeeds(
  tensors: Feeds,
  open: typeof openSession = openSession,
): typeof openSession {
  return async (source, options) => withFeeds(await open(source, options), tensors);
}

/** The same of a session that is open: what is left to feed, and a run that is fed the rest. */
export function besideFeeds(
  session: Pick<InferenceSession, "inputs" | "run">,
  tensors: Feeds,
): Pick<InferenceSession, "inputs" | "run"> {
  const { inputs, complete } = completed(session.inputs, tensors);
  return { inputs, run: (feeds, options) => session.run(complete(feeds), options) };
}

function completed(all: readonly ValueInfo[], tensors: Feeds) {
  const isFixed = ({ name }: ValueInfo) => Object.hasOwn(tensors, name);
  const fixed = all.filter(isFixed);
  const inputs = all.filter((input) => !isFixed(input));
  const complete = (feeds: Feeds): Feeds => {
    const repeated = fixed.map((input): [string, TensorData] => {
      const tensor = repeatedTo(own(tensors, input.name)!, imagesOf(input, inputs, feeds));
      // A copy: a run that transfers its feeds gives them away.
      return [input.name, { ...tensor, data: copyOf(tensor.data) }];
    });
    return { ...feeds, ...Object.fromEntries(repeated) };
  };
  return { inputs, complete };
}

function withFeeds(session: InferenceSession, tensors: Feeds): InferenceSession {
  const { inputs, complete } = completed(session.inputs, tensors);
  return {
    inputs,
    outputs: session.outputs,
    get pending() {
      return session.pending;
    },
    ended: session.ended,
    run: (feeds, options) => session.run(complete(feeds), options),
    timedRun: (feeds, options) => session.timedRun(complete(feeds), options),
    warmUp: (feeds, options) => session.warmUp(feeds && complete(feeds), options),
    close: (options) => session.close(options),
    [Symbol.asyncDispose]: () => session.close(),
  };
}

/** Of a run, as the symbol of the first size says; null where the model fixes it, or nothing that is fed has it. */
function imagesOf({ dims }: ValueInfo, inputs: readonly ValueInfo[], feeds: Feeds): number | null {
  const [first] = dims;
  if (typeof first !== "string") return null;
  for (const input of inputs) {
    const axis = input.dims.indexOf(first);
    if (axis >= 0) return own(feeds, input.name)?.dims[axis] ?? null;
  }
  return null;
}
