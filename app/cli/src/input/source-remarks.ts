/** What is odd about a source of images and what lies in it unread: said once, before the work begins. */
import { type ImageSource, type SkippedFiles, skippedSentence } from "@cupel/vision";

export function remarkSource(source: ImageSource, remark: (sentence: string) => void): void {
  for (const sentence of source.remarks ?? []) remark(sentence);
  const sentence = skippedSentence(source);
  if (sentence !== null) remark(sentence);
}

/** For `--json`: all that is not read, images or not, by source where there are several. */
export function skippedJson(...sources: readonly ImageSource[]): (SkippedFiles & { images: string })[] {
  return sources.flatMap(({ location, skipped = [] }) =>
    skipped.map((each) => ({ images: location, ...each })),
  );
}
