// The review page: filters, histograms, merging recomputed from scores, decisions by keyboard.
"use strict";

const PAGE_SIZE = 200;
const { cards, merge, name } = JSON.parse(document.getElementById("data").textContent);
const KEPT_UNDER = "acetate-review-" + name;
const state = { page: 0, here: 0, filter: "", eta: merge.eta, capacity: merge.capacity, shown: [] };
const decisions = keptDecisions();

// Ward linkage on one column of scores; the layer of every score. Clusters are stretches of the
// sorted scores, so only neighbours can merge. Cut into clip(1 + #{distance > eta}, 2, capacity).
function mergedLayers(scores, eta, capacity) {
  const order = scores.map((_, i) => i).sort((a, b) => scores[a] - scores[b] || a - b);
  let groups = order.map((i) => ({ members: [i], mean: scores[i] }));
  const distances = [], history = [groups];
  while (groups.length > 1) {
    let best = 0, least = Infinity;
    for (let i = 0; i + 1 < groups.length; i++) {
      const a = groups[i], b = groups[i + 1], m = a.members.length, n = b.members.length;
      const distance = Math.sqrt((2 * m * n) / (m + n)) * Math.abs(a.mean - b.mean);
      if (distance < least) { least = distance; best = i; }
    }
    const a = groups[best], b = groups[best + 1], m = a.members.length, n = b.members.length;
    const joined = { members: [...a.members, ...b.members], mean: (a.mean * m + b.mean * n) / (m + n) };
    groups = [...groups.slice(0, best), joined, ...groups.slice(best + 2)];
    distances.push(least);
    history.push(groups);
  }
  const wanted = Math.min(Math.max(1 + distances.filter((d) => d > eta).length, 2), capacity);
  const cut = history[Math.max(0, scores.length - Math.min(wanted, scores.length))];
  const layers = new Array(scores.length);
  cut.forEach((group, layer) => group.members.forEach((i) => { layers[i] = layer; }));
  return layers;
}

function keptDecisions() {
  try { return new Map(JSON.parse(localStorage.getItem(KEPT_UNDER) || "[]")); }
  catch { return new Map(); } // pages from disk may have no storage: decisions last until the tab closes
}

function keep() {
  try { localStorage.setItem(KEPT_UNDER, JSON.stringify([...decisions])); }
  catch { document.getElementById("kept").textContent = "not kept by this browser: export before closing"; }
}

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function histogram(title, values, bins = 16) {
  const numbers = values.filter((v) => v !== null && Number.isFinite(v));
  if (!numbers.length) return "";
  const low = numbers.reduce((a, b) => Math.min(a, b)), high = numbers.reduce((a, b) => Math.max(a, b)), width = (high - low) / bins || 1;
  const counts = new Array(bins).fill(0);
  for (const v of numbers) counts[Math.min(bins - 1, Math.floor((v - low) / width))]++;
  return bars(title, counts, [low.toPrecision(3), high.toPrecision(3)]);
}

function bars(title, counts, ends, names = []) {
  const most = Math.max(...counts, 1), w = 190 / counts.length;
  const rects = counts.map((count, i) => {
    const height = (60 * count) / most;
    return `<rect x="${(i * w + 1).toFixed(1)}" y="${(62 - height).toFixed(1)}" width="${(w - 1.5).toFixed(1)}" ` +
      `height="${height.toFixed(1)}"><title>${names[i] ? escaped(names[i]) + ": " : ""}${count}</title></rect>`;
  }).join("");
  const figure = element("figure");
  figure.innerHTML = `<svg width="190" height="76" role="img" aria-label="${escaped(title)}">${rects}` +
    `<text x="0" y="73">${escaped(String(ends[0]))}</text><text x="190" y="73" text-anchor="end">${escaped(String(ends[1]))}</text></svg>` +
    `<figcaption>${escaped(title)}</figcaption>`;
  return figure;
}

function escaped(text) {
  return text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
}

function charts() {
  const every = (f) => cards.flatMap(f), reasons = new Map();
  for (const card of cards) for (const r of card.reasons) reasons.set(r, (reasons.get(r) || 0) + 1);
  const names = [...reasons.keys()];
  const layerCounts = cards.filter((c) => c.elements.length).map((c) => layersOf(c).count);
  document.getElementById("charts").replaceChildren(
    histogram("duration, s", cards.map((c) => (c.fps ? c.frames / c.fps : null))),
    histogram("frames per second", cards.map((c) => c.fps || null)),
    histogram("frames a drawing stays", cards.map((c) => c.hold)),
    histogram("element scores, px/frame", every((c) => c.elements.map((e) => e.score))),
    histogram("elements per clip", cards.map((c) => c.elements.length)),
    histogram("layers per clip, by the sliders", layerCounts, 8),
    histogram("element area, share", every((c) => c.elements.map((e) => e.area))),
    histogram("tracks that last, share", cards.map((c) => c.survival)),
    names.length ? bars("refusals by reason", names.map((n) => reasons.get(n)), [names[0], names.length > 1 ? names.at(-1) : ""], names) : "",
  );
}

function layersOf(card, eta = state.eta, capacity = state.capacity) {
  const layers = mergedLayers(card.elements.map((e) => e.score), eta, capacity);
  return { layers, count: new Set(layers).size };
}

// Elements on a line by score, coloured by layer: above as the run merged them, below by the sliders.
function scoreLine(card) {
  const most = Math.max(...card.elements.map((e) => e.score), 0.01);
  const run = layersOf(card, merge.eta, merge.capacity), now = layersOf(card);
  const dot = (e, layer, y) => `<circle cx="${(6 + (88 * e.score) / most).toFixed(2)}%" cy="${y}" ` +
    `r="${(3 + 7 * Math.sqrt(e.area)).toFixed(1)}" fill="hsl(${(layer * 222) % 360} 60% 52%)"><title>${escaped(e.name)}: ${e.score.toFixed(2)}</title></circle>`;
  const row = (found, y) => card.elements.map((e, i) => dot(e, found.layers[i], y)).join("");
  return `<svg class="line"><text x="0" y="14">${run.count}</text><text x="0" y="36">${now.count}</text>${row(run, 11)}${row(now, 33)}</svg>`;
}

function article(card, index) {
  const made = element("article", { id: "clip-" + card.clip_id, tabindex: "-1" });
  const verdict = card.reasons.length ? `<span class="reason">${card.reasons.map(escaped).join(", ")}</span>` : '<span class="chosen">selected</span>';
  const facts = [`${card.frames} frames`, `${card.fps} fps`, `a drawing stays ${card.hold.toFixed(1)}`, card.licence];
  if (card.nc_tainted) facts.push("non-commercial annotations");
  made.innerHTML = `<h2>${escaped(card.title)} <small>${escaped(card.clip_id)}</small></h2><p>${verdict} · ${facts.map(escaped).join(" · ")}</p>` +
    (card.sheet ? `<a href="${escaped(card.loop || card.sheet)}" target="_blank"><img loading="lazy" alt="contact sheet of ${escaped(card.clip_id)}" src="${escaped(card.sheet)}"></a>` : "") +
    (card.elements.length ? scoreLine(card) : "") + `<p>${escaped(card.caption || card.detail)}</p>`;
  made.addEventListener("click", () => go(index));
  return made;
}

function marked() {
  for (const [i, card] of visible().entries()) {
    const found = document.getElementById("clip-" + card.clip_id), decision = decisions.get(card.clip_id);
    found.classList.toggle("here", i === state.here);
    found.classList.toggle("accept", decision?.verdict === "accept");
    found.classList.toggle("reject", decision?.verdict === "reject");
  }
  document.getElementById("count").value = `${state.shown.length} clips, ${decisions.size} decided`;
}

function visible() { return state.shown.slice(state.page * PAGE_SIZE, (state.page + 1) * PAGE_SIZE); }

function draw() {
  state.shown = cards.filter((c) => !state.filter || c.state === state.filter || c.reasons.includes(state.filter));
  const pages = Math.max(1, Math.ceil(state.shown.length / PAGE_SIZE));
  state.page = Math.min(state.page, pages - 1);
  document.getElementById("clips").replaceChildren(...visible().map(article));
  document.getElementById("pages").replaceChildren(...(pages > 1 ? [...Array(pages).keys()] : []).map((p) => {
    const button = element("button", p === state.page ? { disabled: "" } : {}, String(p + 1));
    button.addEventListener("click", () => { state.page = p; state.here = 0; draw(); });
    return button;
  }));
  marked();
}

function go(index) {
  state.here = Math.max(0, Math.min(index, visible().length - 1));
  marked();
  const card = visible()[state.here];
  if (card) document.getElementById("clip-" + card.clip_id).scrollIntoView({ block: "nearest" });
}

function decide(verdict) {
  const card = visible()[state.here];
  if (!card) return;
  if (verdict) decisions.set(card.clip_id, { clip_id: card.clip_id, verdict, at: new Date().toISOString(), note: "" });
  else decisions.delete(card.clip_id);
  keep();
  if (verdict) go(state.here + 1); else marked();
}

function exported() {
  return [...decisions.values()].map((d) => JSON.stringify(d) + "\n").join("");
}

function download() {
  const link = element("a", { download: "decisions.jsonl", href: URL.createObjectURL(new Blob([exported()])) });
  link.click();
  URL.revokeObjectURL(link.href);
}

const KEYS = { j: () => go(state.here + 1), k: () => go(state.here - 1), a: () => decide("accept"),
  r: () => decide("reject"), u: () => decide(null), e: download };
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select")) return;
  const action = KEYS[event.key.toLowerCase()];
  if (action) { event.preventDefault(); action(); }
});

function begin() {
  const filter = document.getElementById("filter");
  const names = [...new Set(cards.flatMap((c) => [c.state, ...c.reasons]))].sort();
  filter.append(...names.map((n) => element("option", { value: n }, n)));
  filter.addEventListener("change", () => { state.filter = filter.value; state.page = state.here = 0; draw(); });
  for (const key of ["eta", "capacity"]) {
    const slider = document.getElementById(key);
    slider.value = state[key];
    document.getElementById(key + "-now").value = state[key];
    slider.addEventListener("input", () => {
      state[key] = Number(slider.value);
      document.getElementById(key + "-now").value = slider.value;
      charts();
      draw();
    });
  }
  document.getElementById("export").addEventListener("click", download);
  draw();
  charts();
}

window.acetateReview = { mergedLayers, exported, state };
begin();
