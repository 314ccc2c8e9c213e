/** Every page against the rules of axe-core: light and dark, on a desk and on a phone, with everything unfolded. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { own } from "@cupel/base";
import {
  renderAttestation,
  renderEnvGraph,
  renderEnvTrace,
  renderProfile,
  renderProtocols,
  renderReport,
  renderServer,
} from "@cupel/console";
import type { CompressionReport } from "@cupel/report";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { sourcePages } from "../src/page-sources.ts";
import { brokenAttestation, validAttestation } from "./fixture/attestations.ts";
import { type PageBrowser, skip, startBrowser } from "./fixture/browser.ts";
import { awkwardGraph, usualGraph } from "./fixture/env-graphs.ts";
import { awkwardTrace, nothingTraced, usualTrace } from "./fixture/env-traces.ts";
import { pngBytes } from "./fixture/png.ts";
import { awkwardProfile, emptyProfile, tinyProfile } from "./fixture/profiles.ts";
import { awkwardComparison, usualComparison } from "./fixture/protocols.ts";
import { awkwardReport, minimalReport, mobileNetReport, resNetReport } from "./fixture/reports.ts";
import { awkwardServer, type FakeServer, tryImage, usualServer } from "./fixture/servers.ts";

/** Twelve layers and eight images of a report: axe-core takes its time for every cell, and more are only more of the same. */
function part(report: CompressionReport, first: number): CompressionReport {
  const layers = report.layers.slice(first, first + 12);
  return { ...report, layers, changed: { ...report.changed, shown: report.changed.shown.slice(0, 8) } };
}

const everything = { options: "{}", passed: 11 };
/** A dark scheme changes colours, and a phone where things are: the other rules have the same to say of all four. */
const contrast = {
  options: '{ runOnly: ["color-contrast", "scrollable-region-focusable"] }',
  passed: 1,
};
const looks = [
  { colorScheme: "light", width: 1280, ...everything },
  { colorScheme: "dark", width: 390, ...contrast },
  ...(process.env.CUPEL_LONG_TESTS === undefined
    ? []
    : ([
        { colorScheme: "light", width: 390, ...everything },
        { colorScheme: "dark", width: 1280, ...contrast },
      ] as const)),
] as const;

/** A second of the same kind takes seconds: CUPEL_LONG_TESTS looks at all. */
function inLong(states: Readonly<Record<string, () => Promise<string>>>): typeof states {
  return process.env.CUPEL_LONG_TESTS === undefined ? {} : states;
}

/** By page, then by what is on it. A page that is not here fails below. */
const pages: Readonly<Record<string, Readonly<Record<string, () => Promise<string>>>>> = {
  report: {
    "a report with awkward names and figures": () => renderReport(part(awkwardReport(), 0)),
    ...inLong({
      "a report": () => renderReport(part(resNetReport(), 20)),
      "a report of a thousand classes": () => renderReport(part(mobileNetReport(), 0)),
      "a report of one layer without labels": () => renderReport(minimalReport()),
    }),
  },
  profile: {
    "a profile with awkward names": () => renderProfile(awkwardProfile(), "awkward"),
    ...inLong({
      "a profile": () => renderProfile(tinyProfile(), "tiny"),
      "a profile of nothing": () => renderProfile(emptyProfile(), "nothing"),
    }),
  },
  attestation: {
    "an attestation that does not hold": () => renderAttestation(brokenAttestation()),
    ...inLong({ "an attestation": () => renderAttestation(validAttestation()) }),
  },
  "env-trace": {
    "a trace": () => renderEnvTrace(usualTrace()),
    ...inLong({
      "a trace with awkward names": () => renderEnvTrace(awkwardTrace()),
      "a trace of nothing": () => renderEnvTrace(nothingTraced()),
    }),
  },
  "env-graph": {
    "a provenance graph": () => renderEnvGraph(usualGraph()),
    ...inLong({ "a provenance graph with awkward names": () => renderEnvGraph(awkwardGraph()) }),
  },
  protocols: {
    "a comparison of protocols": () => renderProtocols(usualComparison()),
    ...inLong({ "a comparison with awkward names": () => renderProtocols(awkwardComparison()) }),
  },
  server: {
    "a server that refuses, with awkward names": renderServer,
    ...inLong({ "a server": renderServer }),
  },
};

/** Who answers a page that asks, by the page's name above. */
const servers: Readonly<Record<string, () => FakeServer>> = {
  "a server": usualServer,
  "a server that refuses, with awkward names": awkwardServer,
};

async function unfold(page: Page): Promise<void> {
  await page.locator("#models tbody tr").first().waitFor();
  await page
    .getByRole("button", { name: /^show the report/ })
    .first()
    .click();
  await page.locator("#report table").waitFor();
  await tryImage(page, "part.png", thumbnail);
}

const thumbnail = pngBytes(4, 4, () => [200, 90, 30]);

test("every page is examined", async () => {
  assert.deepEqual(Object.keys(pages).sort(), await sourcePages());
});

describe("accessibility in Chromium", { skip }, () => {
  let browser: PageBrowser;

  before(async () => {
    browser = await startBrowser();
  });

  after(() => browser.close());

  for (const [name, html] of Object.values(pages).flatMap(Object.entries<() => Promise<string>>)) {
    test(`axe-core finds nothing wrong with ${name}`, async () => {
      const answer = own(servers, name)?.().answer;
      await browser.open(
        await html(),
        async (page) => {
          if (answer !== undefined) await unfold(page);
          await page.evaluate(`for (const part of document.querySelectorAll("details")) part.open = true;`);
          await page.evaluate(axe.source);
          for (const { colorScheme, width, options, passed } of looks) {
            await page.emulateMedia({ colorScheme });
            await page.setViewportSize({ width, height: 900 });
            const { violations, passes } = await page.evaluate<axe.AxeResults>(
              `axe.run(document, ${options})`,
            );
            assert.ok(passes.length >= passed, "axe has looked at something");
            assert.deepEqual(violations.map(toldOf), [], `${colorScheme}, ${width} pixels`);
          }
        },
        { reducedMotion: "reduce", ...(answer && { answer }) },
      );
    });
  }
});

function toldOf({ id, help, nodes }: axe.Result): string {
  return `${id}: ${help}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`;
}
