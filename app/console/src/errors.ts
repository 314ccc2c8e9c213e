/** The failures of the pages; reading and writing what they show has its own errors in the packages that do so. */
import { defineErrors, failures } from "@cupel/base";

export const consoleErrors = defineErrors({
  TEMPLATE_MISSING: {
    meaning: "The package holds neither the built page nor the sources to build it from.",
    ...failures.defect,
  },
  TEMPLATE_BUILD_FAILED: {
    meaning: "A page could not be built from its sources.",
    ...failures.defect,
  },
});
