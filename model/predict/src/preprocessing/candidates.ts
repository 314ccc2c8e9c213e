/** The usual ways to make a tensor of an image, for a model that does not say which was its. */
import { CHANNELS, isPresetName, normalisationOf, PRESETS, type Preprocessing } from "@cupel/vision";

/**
 * Every preset that has the channels of `guess`, the order of the channels turned too where `turned`; all of
 * them of the same size. `guess` is the first.
 */
export function preprocessingCandidates(guess: Preprocessing, turned: boolean): readonly Preprocessing[] {
  const colours = turned && CHANNELS[guess.colour] === 3 ? (["rgb", "bgr"] as const) : [guess.colour];
  const names = Object.keys(PRESETS).filter(isPresetName);
  const usual = colours.flatMap((colour) =>
    names.flatMap((name) => {
      const normalisation = normalisationOf(name, colour);
      return normalisation === null ? [] : [{ ...guess, colour, ...normalisation }];
    }),
  );
  return [guess, ...usual.filter((each) => !hasSameValues(each, guess))];
}

function hasSameValues(a: Preprocessing, b: Preprocessing): boolean {
  const values = ({ colour, scale, mean, std }: Preprocessing) => JSON.stringify([colour, scale, mean, std]);
  return values(a) === values(b);
}
