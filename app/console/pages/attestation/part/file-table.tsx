/** Everything that was sealed, in the order of the names. */
import { ScrollTable } from "../../../shared/part/scroll-table.tsx";
import { Section } from "../../../shared/part/section.tsx";
import { bytesText, plural } from "../../../shared/view/number-text.ts";
import type { AttestedEntry } from "../../../src/pages.ts";

export function FileTable({ files }: { readonly files: readonly AttestedEntry[] }) {
  return (
    <Section id="files" title="What was sealed" intro={`${plural(files.length, "entry", "entries")}.`}>
      <div class="panel">
        <ScrollTable label="Table of what was sealed">
          <table class="plain">
            <thead>
              <tr>
                <th scope="col">name</th>
                <th scope="col" class="numeric">
                  size
                </th>
                <th scope="col">SHA-256, or what it is</th>
              </tr>
            </thead>
            <tbody>
              {files.map(({ path, size, about }) => (
                <tr key={path}>
                  <th scope="row">{path}</th>
                  <td class="numeric">{size === null ? "" : bytesText(size)}</td>
                  <td>
                    <code>{about}</code>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollTable>
      </div>
    </Section>
  );
}
