/** Who says how the images were prepared, in words; what nobody said is a warning. */
import type { CompressionReport } from "@cupel/report";

type Preprocessing = CompressionReport["preprocessing"];

export const originText: Readonly<Record<Preprocessing["origin"], string>> = {
  metadata: "as the model says",
  given: "as given",
  found: "found by trial: the model does not say",
  guessed: "guessed: the model does not say",
};

/** What stands near the top where nobody said how; null where the model or the caller did. */
export function preprocessingWarning({
  origin,
}: Preprocessing): { readonly title: string; readonly text: string } | null {
  const wrong = "If it is wrong, so is every accuracy on this page.";
  if (origin === "guessed") return { title: "The preprocessing is guessed.", text: wrong };
  if (origin === "found") return { title: "The preprocessing was found by trial.", text: wrong };
  return null;
}
