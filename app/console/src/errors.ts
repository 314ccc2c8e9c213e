/** The failures of the report page; reading and writing reports has its own in the packages that do so. */
import { defineErrors, failures } from "@cupel/base";

export const consoleErrors = defineErrors({
  TEMPLATE_MISSING: {
    meaning: "The package holds neither the built report page nor the sources to build it from.",
    ...failures.defect,
  },
  TEMPLATE_BUILD_FAILED: {
    meaning: "The report page could not be built from its sources.",
    ...failures.defect,
  },
});
