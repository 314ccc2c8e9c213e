/**
 * What the page does: zoom, walk, search. Plain JavaScript for the browser, as text, since the page is one file.
 * Zooming sets two numbers on the graph; every box finds its own place from them (see the style).
 */
export const pageScript = `
const graph = document.getElementById("graph");
const detail = document.getElementById("detail");
const search = document.getElementById("search");
const found = document.getElementById("found");
const reset = document.getElementById("reset");
const boxes = [...graph.children];
const root = boxes[0];
const number = (box, name) => Number(box.style.getPropertyValue(name));
const depth = (box) => number(box, "--depth");
let current = root;

const show = (box) => { detail.textContent = box.getAttribute("aria-label"); };

function select(box) {
  if (!box) return;
  current.tabIndex = -1;
  current = box;
  box.tabIndex = 0;
  box.focus({ preventScroll: true });
  box.scrollIntoView({ block: "nearest" });
  show(box);
}

/** As many rows as the boxes need that can be seen: a deep stack thinner than a pixel asks for no space. */
function rowsFor(left, width) {
  const seen = boxes.filter((box) => {
    const start = Math.max(number(box, "--x"), left);
    const end = Math.min(number(box, "--x") + number(box, "--w"), left + width);
    return end - start > 0.002 * width;
  });
  return 1 + Math.max(...seen.map(depth));
}

function view(box) {
  const left = number(box, "--x");
  const width = number(box, "--w");
  graph.style.setProperty("--zoom-x", left);
  graph.style.setProperty("--zoom-w", width);
  graph.style.setProperty("--rows", rowsFor(left, width));
}

function zoom(box) {
  view(box);
  reset.disabled = box === root;
  for (const other of boxes) other.removeAttribute("aria-current");
  if (box !== root) box.setAttribute("aria-current", "true");
  select(box);
}

/** The next box one way that has the same depth and the same parent. */
function sibling(box, way) {
  let at = box;
  do at = way > 0 ? at.nextElementSibling : at.previousElementSibling;
  while (at && depth(at) > depth(box));
  return at && depth(at) === depth(box) ? at : null;
}

function parent(box) {
  let at = box;
  while (at && depth(at) >= depth(box)) at = at.previousElementSibling;
  return at;
}

function child(box) {
  const next = box.nextElementSibling;
  return next && depth(next) > depth(box) ? next : null;
}

const keys = {
  ArrowDown: () => select(child(current)),
  ArrowUp: () => select(parent(current)),
  ArrowRight: () => select(sibling(current, 1)),
  ArrowLeft: () => select(sibling(current, -1)),
  Home: () => select(root),
  Enter: () => zoom(current),
  " ": () => zoom(current),
  Escape: () => zoom(root),
};

graph.addEventListener("keydown", (event) => {
  const act = keys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
const boxAt = (event) => event.target.closest("[role=treeitem]");
graph.addEventListener("click", (event) => { const box = boxAt(event); if (box) zoom(box); });
graph.addEventListener("pointerover", (event) => { const box = boxAt(event); if (box) show(box); });
graph.addEventListener("pointerleave", () => show(current));
reset.addEventListener("click", () => zoom(root));

search.addEventListener("input", () => {
  const words = search.value.trim().toLowerCase().split(/\\s+/).filter(Boolean);
  let count = 0;
  let share = 0;
  let inside = Infinity;
  for (const box of boxes) {
    const text = box.getAttribute("aria-label").replace(/:.*?;/, ";").toLowerCase();
    const hit = words.length > 0 && words.every((word) => text.includes(word));
    box.classList.toggle("hit", hit);
    if (depth(box) <= inside) inside = Infinity;
    if (!hit) continue;
    count++;
    if (inside === Infinity) { share += number(box, "--w"); inside = depth(box); }
  }
  graph.classList.toggle("searching", words.length > 0);
  found.textContent = words.length === 0 ? "" : count === 0 ? "no box has these words"
    : count + (count === 1 ? " box, " : " boxes, ") + (100 * share).toFixed(1) + " % of the time";
});

view(root);
`;
