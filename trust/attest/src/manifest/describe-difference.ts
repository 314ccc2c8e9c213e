/** Differences as sentences, one each, for whoever has to find out what happened to a folder. */
import { shown } from "./check-manifest.ts";
import type { Difference } from "./compare-manifests.ts";

const nouns = { file: "file", link: "link", folder: "empty folder" } as const;

/** Without a full stop: `"model.onnx" was changed: other content of the same size`. */
export function describeDifference(difference: Difference): string {
  const name = shown(difference.path);
  switch (difference.kind) {
    case "added":
      return `the ${nouns[difference.entry]} ${name} was added`;
    case "removed":
      return `the ${nouns[difference.entry]} ${name} is missing`;
    case "changed":
      return `${name} was changed: ${changeText(difference)}`;
    case "recased":
      return `${shown(difference.expectedPath)} is named ${name}, in other case or another Unicode form`;
    case "renamed":
      return `${shown(difference.expectedPath)} was renamed to ${name}`;
    case "mode":
      return `${name} was made ${difference.executable ? "executable" : "not executable"}`;
    case "target":
      return `the link ${name} leads to ${shown(difference.target)} and not to ${shown(difference.expectedTarget)}`;
    case "kind":
      return `${name} is a ${difference.entry} and not a ${difference.expectedEntry}`;
  }
}

function changeText({ size, expectedSize, contentOf }: Extract<Difference, { kind: "changed" }>): string {
  if (contentOf !== null) return `it has the content of ${shown(contentOf)}`;
  if (expectedSize === null) return "other content";
  if (size === expectedSize) return "other content of the same size";
  return `it has ${size} bytes and not ${expectedSize}`;
}
