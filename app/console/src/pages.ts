/** Every page, from data to HTML: one function a folder of `pages/`. */
import type { Profile } from "@cupel/profile";
import type { CompressionReport } from "@cupel/report";
import { renderPage } from "./render-page.ts";

/** The lists behind the heat maps are only ever seen as colours: four digits make the file half as large. */
const COLOUR_DIGITS = 4;

/**
 * The whole page for one report, as HTML text to write to a file.
 *
 * The figures can be read back from the element `#report` as JSON: all of them exact but `channelError`
 * and `maps`, rounded to four digits. Numbers JSON cannot hold (NaN, infinities) become null and are
 * shown as missing.
 * @throws TEMPLATE_MISSING, TEMPLATE_BUILD_FAILED, WRITE_FAILED, DISK_FULL
 */
export async function renderReport(report: CompressionReport): Promise<string> {
  const data: CompressionReport = {
    ...report,
    layers: report.layers.map((layer) => ({ ...layer, channelError: shortened(layer.channelError) })),
    spatial: {
      ...report.spatial,
      layers: report.spatial.layers.map((layer) => ({ ...layer, maps: layer.maps.map(shortened) })),
    },
  };
  return renderPage("report", { title: `${report.compressed.file}: compression report`, data });
}

function shortened(figures: readonly number[]): number[] {
  // A report read back from JSON holds null for what was no number.
  return figures.map((figure) =>
    Number.isFinite(figure) ? Number(figure.toPrecision(COLOUR_DIGITS)) : figure,
  );
}

/** What the page holds, as JSON in the element `#profile`. */
export interface ProfileDocument extends Profile {
  readonly format: "cupel-profile/1";
  readonly title: string;
}

/**
 * The whole page for one profile, as HTML text to write to a file: a flame graph and the slowest nodes.
 * @param title what was run: "resnet18, 20 steps"
 * @throws TEMPLATE_MISSING, TEMPLATE_BUILD_FAILED, WRITE_FAILED, DISK_FULL
 */
export async function renderProfile({ tree, slowest }: Profile, title: string): Promise<string> {
  const data: ProfileDocument = { format: "cupel-profile/1", title, tree, slowest };
  return renderPage("profile", { title: `${title}: profile`, data });
}
