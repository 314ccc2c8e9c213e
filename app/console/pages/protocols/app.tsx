/** The page from top to bottom: what to choose, then the figures of each link, then what they depend on. */
import { Masthead } from "../../shared/part/masthead.tsx";
import { Section } from "../../shared/part/section.tsx";
import { SkipLink } from "../../shared/part/skip-link.tsx";
import type { ProtocolsDocument } from "../../src/pages.ts";
import { FactList } from "./part/fact-list.tsx";
import { LinkSection } from "./part/link-section.tsx";
import { TextTable } from "./part/text-table.tsx";

export function App({ comparison }: { readonly comparison: ProtocolsDocument }) {
  const { scenario, createdAt, isDelayOnly, environment, links, tables } = comparison;
  return (
    <>
      <SkipLink />
      <Masthead kind="protocols compared" title={scenario} madeAt={createdAt}>
        <div class="remarks">
          {isDelayOnly && (
            <p class="remark warning">
              <b>Delay only.</b> No link was emulated: bytes were made late on their way through a process.
              Nothing was lost, nothing waited for a rate, and no congestion control was at work.
            </p>
          )}
          {links.length > 1 && (
            <p class="remark">
              <b>{links.length} links.</b> Each has its own figures below.
            </p>
          )}
        </div>
        <nav aria-label="On this page">
          {links.map(({ name }, i) => (
            <a key={name} href={`#link-${i}`}>
              {name}
            </a>
          ))}
          {tables.map(({ title }, i) => (
            <a key={title} href={`#table-${i}`}>
              {title}
            </a>
          ))}
          <a href="#environment">Measured on</a>
        </nav>
      </Masthead>
      <main id="main">
        {links.map((link, i) => (
          <LinkSection key={link.name} id={`link-${i}`} link={link} isDelayOnly={isDelayOnly} />
        ))}
        {tables.map((table, i) => (
          <TextTable key={table.title} id={`table-${i}`} table={table} />
        ))}
        <Section
          id="environment"
          title="Measured on"
          intro="Figures depend on these. Times are medians of runs with 95 % intervals, and count from when a request was due."
        >
          <div class="panel">
            <FactList facts={environment} />
          </div>
        </Section>
      </main>
    </>
  );
}
