/** Every operator that can be differentiated, by kind. docs/operators.md is checked against this table. */
import type { GradientTable } from "../gradient-rule.ts";
import { activationGradients } from "./activation.ts";
import { convolutionGradients } from "./convolution.ts";
import { elementwiseGradients } from "./elementwise.ts";
import { indexingGradients } from "./indexing.ts";
import { linearAlgebraGradients } from "./linear-algebra.ts";
import { movementGradients } from "./movement.ts";
import { normalisationGradients } from "./normalisation.ts";
import { poolingGradients } from "./pooling.ts";
import { quantisationGradients } from "./quantisation.ts";
import { reductionGradients } from "./reduction.ts";
import { reshapingGradients } from "./reshaping.ts";
import { resizingGradients } from "./resizing.ts";

export const gradientRules: GradientTable = {
  ...convolutionGradients,
  ...poolingGradients,
  ...elementwiseGradients,
  ...activationGradients,
  ...linearAlgebraGradients,
  ...reshapingGradients,
  ...movementGradients,
  ...indexingGradients,
  ...resizingGradients,
  ...reductionGradients,
  ...normalisationGradients,
  ...quantisationGradients,
};
