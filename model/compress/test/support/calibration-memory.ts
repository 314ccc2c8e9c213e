/** Prints the peak resident bytes of calibrating with so many images; run in a process of its own. */
import { calibrate } from "../../src/calibrate/calibrate.ts";
import { placeQuantisers } from "../../src/emit/placement.ts";
import { noiseImages, plain } from "./images.ts";
import { smallClassifier } from "./network.ts";

const count = Number(process.argv[2]);
const model = smallClassifier(1, 8, ["N", 3, 64, 64]);
const found = await calibrate(model, placeQuantisers(model.graph).values, {
  images: noiseImages(count, { size: 64 }),
  preprocessing: plain(64),
  method: "mse",
  percentile: 0.9999,
  batchSize: 32,
  patience: 1000,
  tolerance: 0.003,
  threads: 1,
});
if (found.images !== count) throw new Error(`${found.images} images`);
process.stdout.write(String(process.resourceUsage().maxRSS * 1024));
