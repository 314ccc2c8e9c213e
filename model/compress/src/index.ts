export { type CompressedLayer, type CompressOptions, type CompressResult, compress } from "./compress.ts";
export { compressErrors } from "./errors.ts";
export { defaultRecipe, parseRecipe, type Recipe, type RecipePass, type Target } from "./recipe.ts";
export { type WeightBits, weightBits } from "./weights/quantised-weights.ts";
