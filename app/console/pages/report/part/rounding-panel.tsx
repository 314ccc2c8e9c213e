/** Which way of rounding won in each layer, and by how much. */
import type { RoundedLayerReport } from "@cupel/report";
import { ScrollTable } from "../../../shared/part/scroll-table.tsx";
import { errorText } from "../../../shared/view/number-text.ts";
import { shortName } from "../view/layer-name.ts";
import { winsText } from "../view/stages.ts";

export function RoundingPanel({ layers }: { readonly layers: readonly RoundedLayerReport[] }) {
  const hasBlocks = layers.some(({ block }) => block !== null);
  return (
    <div class="panel wide">
      <h3>Rounding, layer by layer</h3>
      <p class="muted">
        Error of what the layer makes of its input: with every weight rounded to the nearest level, and with
        weights that make good what rounding did to others (gptq).
        {hasBlocks &&
          " Where a block of layers was trained for it (reconstruct), the error of the block decides."}
      </p>
      <p class="conclusion">{winsText(layers)}.</p>
      <ScrollTable class="stage-table" label="Rounding of each layer">
        <table class="plain">
          <thead>
            <tr>
              <th scope="col">layer</th>
              <th scope="col">won</th>
              <th scope="col" class="numeric">
                bits
              </th>
              <th scope="col" class="numeric">
                nearest
              </th>
              <th scope="col" class="numeric">
                gptq
              </th>
              {hasBlocks && (
                <>
                  <th scope="col" class="numeric">
                    block, gptq
                  </th>
                  <th scope="col" class="numeric">
                    block, reconstruct
                  </th>
                </>
              )}
            </tr>
          </thead>
          <tbody>
            {layers.map(({ name, weight, bits, nearest, gptq, block, method }) => (
              <tr key={weight}>
                <th scope="row" title={name} class="name">
                  {shortName(name, 40)}
                </th>
                <td>{method}</td>
                <td class="numeric">{bits}</td>
                <td class="numeric">{errorText(nearest)}</td>
                <td class="numeric">{errorText(gptq)}</td>
                {hasBlocks && (
                  <>
                    <td class="numeric">{errorText(block?.gptq)}</td>
                    <td class="numeric">{errorText(block?.reconstruct)}</td>
                  </>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollTable>
    </div>
  );
}
