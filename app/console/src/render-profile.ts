/** A profile, where the time of a run went, as a page. */
import type { Profile } from "@cupel/profile";
import { renderPage } from "./render-page.ts";

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
