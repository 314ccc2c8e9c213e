/** Jobs of tests, and errors by their code. */
import { CupelError } from "@cupel/base";
import { defaultRecipe } from "@cupel/compress";
import type { FleetJob } from "../src/queue/fleet-job.ts";
import { cupelVersion } from "../src/version.ts";

export const code = (expected: string) => (thrown: unknown) =>
  thrown instanceof CupelError && thrown.code === expected;

export const job = (changes: Partial<FleetJob> = {}): FleetJob => ({
  version: cupelVersion(),
  model: { path: "in/a.onnx", digest: "d" },
  images: "synthetic:40",
  labels: null,
  labelColumn: null,
  classes: null,
  inputs: null,
  keepsApart: true,
  recipe: defaultRecipe(8),
  floor: null,
  task: null,
  preprocessing: null,
  allowChance: true,
  strict: false,
  seed: 1,
  ...changes,
});
