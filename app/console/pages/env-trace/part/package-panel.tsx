/** What one package did: each access with where, how often, by whose call, and since when. */
import { useMemo } from "preact/hooks";
import { MoreRows } from "../../../shared/part/more-rows.tsx";
import { ScrollTable } from "../../../shared/part/scroll-table.tsx";
import { countText, plural } from "../../../shared/view/number-text.ts";
import type { EnvTraceDocument, TracedAccess } from "../../../src/env-pages.ts";
import { doesText } from "../view/kind-text.ts";
import { sinceText } from "../view/since-text.ts";
import { Marks } from "./marks.tsx";

const classTexts = {
  package: "a package",
  tool: "a package manager",
  program: "the program, or Node.js itself",
} as const;

export function PackagePanel({ trace, at }: { readonly trace: EnvTraceDocument; readonly at: number }) {
  const of = trace.packages[at];
  const accesses = useMemo(() => accessesOf(trace, at), [trace, at]);
  const begin = useMemo(
    () => trace.accesses.reduce((first, { firstSeen }) => Math.min(first, firstSeen), Infinity),
    [trace],
  );
  if (of === undefined) return null;
  return (
    <div class="panel accesses package" id="package" tabIndex={-1}>
      <h3>{of.name}</h3>
      <p class="muted">
        {classTexts[of.class]}, {plural(accesses.length, "fact")}
        {of.isNew && ", new since the lockfile"}. Times are since the first access of the trace.
      </p>
      <MoreRows key={at} rows={accesses} most={60}>
        {(shown) => (
          <ScrollTable label={`Table of what ${of.name} did`}>
            <table class="plain">
              <thead>
                <tr>
                  <th scope="col">name</th>
                  <th scope="col">does</th>
                  <th scope="col" class="numeric">
                    times, at least
                  </th>
                  <th scope="col" class="numeric">
                    first after
                  </th>
                  <th scope="col">where first</th>
                  <th scope="col">called by</th>
                </tr>
              </thead>
              <tbody>
                {shown.map((access, i) => (
                  <tr key={i}>
                    <th scope="row">
                      {access.key === null ? "–" : trace.keys.at(access.key)?.name}{" "}
                      <Marks {...access} isTagged={isTagged(trace, access)} />
                    </th>
                    <td>{doesText(access.kind)}</td>
                    <td class="numeric">{countText(access.count)}</td>
                    <td class="numeric">
                      <time dateTime={new Date(access.firstSeen).toISOString()}>
                        {sinceText(access.firstSeen - begin)}
                      </time>
                    </td>
                    <td>
                      <code>{access.place ?? "–"}</code>
                    </td>
                    <td>{access.callers.join(", ")}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </ScrollTable>
        )}
      </MoreRows>
    </div>
  );
}

function isTagged(trace: EnvTraceDocument, { key }: TracedAccess): boolean {
  return key !== null && trace.keys.at(key)?.isTagged === true;
}

/** What was refused, what is new and secrets first. */
function accessesOf(trace: EnvTraceDocument, at: number): TracedAccess[] {
  const weight = (access: TracedAccess) =>
    (access.isDenied || !access.isListed ? 4 : 0) +
    (access.isNew ? 2 : 0) +
    (isTagged(trace, access) ? 1 : 0);
  return trace.accesses
    .filter((access) => access.package === at)
    .sort((a, b) => weight(b) - weight(a) || a.firstSeen - b.firstSeen);
}
