// What is shown and why: filters, reasons, keys. All of it is in the address of the page.
"use strict";

const $ = (id) => document.getElementById(id);
const state = { view: "matrix", query: "", spaces: new Set(), direction: "", hide: false, fold: false, from: null, to: null, theme: "" };
const spaces = [...new Set(ends.map(spaceOf))];
const lower = ends.map((end) => [end.name, ...(end.pods || []), ...(end.names || []), ...(end.addresses || [])].join(" ").toLowerCase());

// Whether each end is one that the filter asks for.
const wanted = new Uint8Array(ends.length).fill(1);

// What is said about a pair; -1 too where the filter leaves it out.
const answerShown = (from, to) => {
  const asked = state.direction === "in" ? wanted[to] : state.direction === "out" ? wanted[from] : wanted[from] || wanted[to];
  const key = asked ? answer(from, to) : -1;
  return key >= 0 && state.hide && summary(key).open ? -1 : key;
};

// Ends that the filter asks for, and whom they are shown with.
function found() {
  const query = state.query.trim().toLowerCase();
  ends.forEach((end, at) => { wanted[at] = (!state.spaces.size || state.spaces.has(spaceOf(end))) && (!query || lower[at].includes(query)) ? 1 : 0; });
  const own = ends.filter((end) => wanted[end.at]);
  if (own.length === ends.length) return { rows: ends, columns: ends };
  const passes = (from, to) => { const key = answerShown(from.at, to.at); return key >= 0 && summary(key).list.length > 0; };
  const peers = ends.filter((end) => wanted[end.at] || own.some((one) => passes(one, end) || passes(end, one)));
  return { rows: state.direction === "out" ? own : peers, columns: state.direction === "in" ? own : peers };
}

let shown = null;
function show() {
  shown = found();
  const graph = state.view === "graph";
  $("matrix").hidden = graph; $("graph").hidden = !graph;
  $("tab-matrix").setAttribute("aria-selected", !graph); $("tab-graph").setAttribute("aria-selected", graph);
  document.querySelectorAll(".only-graph").forEach((one) => { one.hidden = !graph; });
  document.querySelectorAll(".only-matrix").forEach((one) => { one.hidden = graph; });
  const pods = ends.filter((end) => end.namespace);
  let told = `${pods.filter((end) => wanted[end.at]).length} of ${pods.length} workloads`;
  if (graph) {
    const { folded, edges } = drawGraph($("graph"), shown.rows, shown.columns);
    told += `, ${edges} arrows` + (folded && !state.fold ? "; namespaces are folded, as there are many" : "");
  } else layMatrix(shown.rows, shown.columns);
  $("status").textContent = told;
  $("spaces").querySelector("summary").textContent = state.spaces.size ? `Namespaces: ${state.spaces.size}` : "Namespaces";
  remember();
}

// The state as the address, and back.
function remember() {
  const told = new URLSearchParams();
  if (state.view !== "matrix") told.set("view", state.view);
  if (state.query) told.set("find", state.query);
  if (state.spaces.size) told.set("ns", [...state.spaces].join(","));
  if (state.direction) told.set("direction", state.direction);
  if (state.hide) told.set("hide", "1");
  if (state.fold) told.set("fold", "1");
  if (state.theme) told.set("theme", state.theme);
  if (state.from !== null) told.set("from", ends[state.from].name);
  if (state.to !== null) told.set("to", ends[state.to].name);
  const text = told.toString();
  if (text !== location.hash.slice(1)) history.replaceState(null, "", text ? "#" + text : location.pathname + location.search);
}

function recall() {
  const told = new URLSearchParams(location.hash.slice(1)), start = location.hash.length > 1 ? {} : data.start;
  const at = (name) => { const index = ends.findIndex((end) => end.name === name); return index < 0 ? null : index; };
  state.view = told.get("view") === "graph" ? "graph" : "matrix";
  state.query = told.get("find") || start.find || "";
  state.spaces = new Set((told.get("ns") ? told.get("ns").split(",") : start.namespaces || []).filter((space) => spaces.includes(space)));
  state.direction = told.get("direction") || start.direction || "";
  state.hide = told.get("hide") === "1" || Boolean(start.hide);
  state.fold = told.get("fold") === "1" || Boolean(start.fold);
  state.theme = told.get("theme") || "";
  state.from = at(told.get("from")); state.to = at(told.get("to"));
  $("search").value = state.query; $("direction").value = state.direction; $("hide").checked = state.hide; $("fold").checked = state.fold;
  document.querySelectorAll("#spaces input").forEach((box) => { box.checked = state.spaces.has(box.value); });
  setTheme();
}

function setTheme() {
  const dark = state.theme ? state.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  readColours();
  paint();
}

// Reasons.
function make(name, text, kind) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function excerpt(line) {
  const file = data.files[line.file] || {}, block = make("pre");
  block.tabIndex = 0;
  const ends = (number) => file[number] === undefined || /^---(\s|$)/.test(file[number]);
  let first = line.line, last = line.line;
  while (first > line.line - 5 && !ends(first - 1)) first -= 1;
  while (last < line.line + 7 && !ends(last + 1)) last += 1;
  for (let number = first; number <= last; number += 1) {
    const text = file[number] || "";
    const row = make("span", undefined, number === line.line ? "hit" : "");
    row.append(make("i", String(number)), text);
    block.append(row);
  }
  return block;
}

function lineOf(number, open) {
  const line = data.lines[number], box = make("details", undefined, "line"), head = make("summary");
  head.append(make("b", `${line.kind} ${line.namespace ? line.namespace + "/" : ""}${line.name}`), make("br"), make("code", `${line.file}:${line.line}:${line.column}`), make("span", "  " + line.path, "soft"));
  box.append(head);
  const fill = () => { if (box.open && box.children.length === 1) box.append(excerpt(line)); };
  box.addEventListener("toggle", fill);
  box.open = open;
  fill();
  return box;
}

const reasons = {
  "not-enforced": "policy enforcement is off", "not-isolated": "no policy restricts it", localhost: "a node may always reach its own pods, unless a rule denies it",
  "default-deny": "nothing allows it, and it is isolated by", rules: "by",
};

function sideOf(title, verdict, open) {
  const box = make("div", undefined, "side"), head = make("p");
  head.append(make("b", title + ": "));
  box.append(head);
  if (verdict === null) { head.append(make("span", "no policy is enforced there", "soft")); return box; }
  const said = data.verdicts[verdict], word = { allow: "allowed", deny: "denied", redirect: "allowed through the proxy" }[said.verdict];
  head.append(make("span", word, { allow: "allow", deny: "denied", redirect: "proxied" }[said.verdict]), make("span", ", " + reasons[said.reason], "soft"));
  if (said.widened) box.append(make("p", "a rule without layer 7 rules matches too, so the proxy lets everything pass", "soft"));
  if (said.authentication && said.authentication !== "disabled") box.append(make("p", "authentication: " + said.authentication, "soft"));
  const objects = new Set();
  said.lines.forEach((number, at) => {
    const line = data.lines[number], object = line.kind + " " + line.namespace + "/" + line.name;
    if (said.reason === "default-deny" && objects.has(object)) return;
    objects.add(object);
    box.append(lineOf(number, open && at === 0));
  });
  return box;
}

function openPanel(title, more, swap) {
  const panel = $("panel"), tools = make("div", undefined, "tools"), head = make("h2", title);
  if (swap) { const turn = make("button", "\u21c4"); turn.title = "The other way round (r)"; turn.setAttribute("aria-label", "The other way round"); turn.addEventListener("click", swap); tools.append(turn); }
  const close = make("button", "\u2715");
  close.title = "Close (Escape)"; close.setAttribute("aria-label", "Close");
  close.addEventListener("click", closePanel);
  tools.append(close);
  head.tabIndex = -1;
  panel.replaceChildren(tools, head, ...more);
  panel.hidden = false;
  panel.scrollTop = 0;
  paint();
}

function closePanel() {
  $("panel").hidden = true;
  state.from = state.to = null;
  remember();
  paint();
  if (state.view === "matrix") matrix.scroll.focus();
}

function showPair(from, to) {
  [state.from, state.to] = [from, to];
  const key = answer(from, to), list = [make("p", inWords(key), "soft")];
  const groups = new Map();
  for (const one of key < 0 ? [] : stretches(key)) {
    const name = one.egress + " " + one.ingress;
    if (!groups.has(name)) groups.set(name, { ...one, traffic: [] });
    groups.get(name).traffic.push(one.traffic);
  }
  const order = ["plain", "proxy", "auth", "open", "deny"], sorted = [...groups.values()].sort((a, b) => order.indexOf(style(a)) - order.indexOf(style(b)));
  sorted.forEach((group, at) => {
    const box = make("section", undefined, "answer " + style(group));
    box.append(make("h3", words(group.traffic).join(", ")), sideOf("Egress of " + ends[from].name, group.egress, at === 0), sideOf("Ingress of " + ends[to].name, group.ingress, at === 0));
    list.push(box);
  });
  openPanel(ends[from].name + " \u2192 " + ends[to].name, list, () => { showPair(to, from); focusPair(); });
  remember();
}

function showEnd(end) {
  [state.from, state.to] = [end.at, null];
  const list = [], row = (title, values) => { if (values && values.length) list.push(make("h3", title), ...values.map((value) => make("p", value))); };
  list.push(make("p", { pods: "workload", entity: "entity", host: "the node that a pod runs on", "remote-node": "other nodes than a pod's own", outside: "outside the cluster" }[end.kind], "soft"));
  row("Pods", end.pods); row(end.kind === "outside" ? "Names" : "Members", end.names); row("Addresses", end.addresses);
  for (const side of ["ingress", "egress"]) {
    const told = end[side];
    if (!told) continue;
    list.push(make("h3", side[0].toUpperCase() + side.slice(1)), make("p", { "default-deny": "default deny: what no rule allows is dropped", open: "not isolated: what no rule denies passes", "not-enforced": "not enforced" }[told.state]));
    told.lines.forEach((number) => list.push(lineOf(number, false)));
  }
  const only = make("button", "Show only this");
  only.addEventListener("click", () => { state.query = end.name; $("search").value = end.name; show(); });
  list.push(make("p"), only);
  openPanel(end.name, list);
  remember();
}

// Moves the matrix to the pair that is open.
function focusPair() {
  const row = matrix.rows.findIndex((end) => end.at === state.from), column = matrix.columns.findIndex((end) => end.at === state.to);
  if (row >= 0 && column >= 0) activate(row, column);
}

function openActive() {
  if (matrix.at) showPair(matrix.rows[matrix.at.row].at, matrix.columns[matrix.at.column].at);
}

// Events.
matrix.scroll.addEventListener("scroll", paint, { passive: true });
matrix.scroll.addEventListener("pointermove", showTip);
matrix.scroll.addEventListener("pointerleave", () => { matrix.hover = null; matrix.tip.hidden = true; paint(); });
matrix.scroll.addEventListener("click", (event) => {
  const cell = cellAt(event);
  if (cell.row >= 0 && cell.column >= 0) { activate(cell.row, cell.column); openActive(); }
  else if (cell.row >= 0) showEnd(matrix.rows[cell.row]);
  else if (cell.column >= 0) showEnd(matrix.columns[cell.column]);
});
matrix.scroll.addEventListener("focus", () => { if (!matrix.at) activate(0, 0); });
matrix.scroll.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { row, column } = matrix.at || { row: 0, column: 0 }, page = Math.max(1, Math.floor((matrix.scroll.clientHeight - matrix.top) / matrix.size) - 1);
  const moves = {
    ArrowUp: [row - 1, column], ArrowDown: [row + 1, column], ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1],
    Home: [row, 0], End: [row, Infinity], PageUp: [row - page, column], PageDown: [row + page, column],
  };
  if (moves[event.key]) { event.preventDefault(); activate(...moves[event.key]); if (!$("panel").hidden) openActive(); }
  else if (event.key === "Enter" || event.key === " ") { event.preventDefault(); openActive(); }
});
new ResizeObserver(paint).observe(matrix.scroll);

let waiting = 0;
$("search").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(() => { state.query = $("search").value; show(); }, 80); });
$("direction").addEventListener("change", () => { state.direction = $("direction").value; show(); });
$("hide").addEventListener("change", () => { state.hide = $("hide").checked; show(); });
$("fold").addEventListener("change", () => { state.fold = $("fold").checked; show(); });
$("tab-matrix").addEventListener("click", () => { state.view = "matrix"; show(); });
$("tab-graph").addEventListener("click", () => { state.view = "graph"; show(); });
$("theme").addEventListener("click", () => { state.theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark"; setTheme(); remember(); });
$("keys").addEventListener("click", () => $("help").showModal());
const resize = (by) => { matrix.size = Math.min(40, Math.max(5, matrix.size + by)); layMatrix(matrix.rows, matrix.columns); };
$("smaller").addEventListener("click", () => resize(-3));
$("larger").addEventListener("click", () => resize(3));
document.addEventListener("click", (event) => { if (!$("spaces").contains(event.target)) $("spaces").open = false; });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", setTheme);
addEventListener("hashchange", () => { recall(); show(); reopen(); });

document.addEventListener("keydown", (event) => {
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) && event.target.type !== "checkbox";
  if (event.key === "Escape") {
    if ($("help").open) return;
    if ($("spaces").open) { $("spaces").open = false; $("spaces").querySelector("summary").focus(); }
    else if (!$("panel").hidden) closePanel();
    else { state.query = ""; state.spaces.clear(); $("search").value = ""; document.querySelectorAll("#spaces input").forEach((box) => { box.checked = false; }); show(); (state.view === "matrix" ? matrix.scroll : $("graph")).focus(); }
    event.preventDefault();
    return;
  }
  if (typing) { if (event.key === "Enter" && event.target === $("search")) (state.view === "matrix" ? matrix.scroll : $("graph")).focus(); return; }
  if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
  const actions = {
    "/": () => { $("search").focus(); $("search").select(); }, m: () => $("tab-matrix").click(), g: () => $("tab-graph").click(), t: () => $("theme").click(), "?": () => $("help").showModal(),
    "+": () => resize(3), "=": () => resize(3), "-": () => resize(-3), r: () => { if (state.from !== null && state.to !== null) { showPair(state.to, state.from); focusPair(); } },
  };
  if (actions[event.key]) { event.preventDefault(); actions[event.key](); }
});

// Beginning.
for (const space of spaces) {
  const row = make("label"), box = make("input"), count = ends.filter((end) => spaceOf(end) === space).length;
  box.type = "checkbox"; box.value = space;
  box.addEventListener("change", () => { if (box.checked) state.spaces.add(space); else state.spaces.delete(space); show(); });
  row.append(box, space, make("small", String(count)));
  $("spaces").querySelector(".pop").append(row);
}
function reopen() {
  if (state.from !== null && state.to !== null) { showPair(state.from, state.to); focusPair(); }
  else if (state.from !== null) showEnd(ends[state.from]);
  else $("panel").hidden = true;
}
matrix.size = ends.length > 120 ? 15 : ends.length > 60 ? 19 : 24;
recall();
show();
reopen();
// How long it took, in milliseconds, for those who measure.
document.documentElement.dataset.ready = Math.round(performance.now());
