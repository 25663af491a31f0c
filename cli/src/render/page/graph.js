// The graph: namespaces as frames from left to right. Under the name of a box stands what it takes, and whoever may send that
// has an arrow to that line. The same picture as `sluice graph --format svg`.
"use strict";

const TITLE = 26, PIN = 16, PAD = 12, GAP = 28, STACK = 14;
const SVG = "http://www.w3.org/2000/svg";
const MOST_EDGES = 1500;

// What is drawn as one: an end, or a namespace.
function unitsOf(list, folded) {
  const units = [], of = new Map(), spaces = new Map();
  for (const end of list) {
    const space = spaceOf(end), fold = folded && end.namespace && !state.spaces.has(space);
    if (fold && spaces.has(space)) { of.set(end.at, spaces.get(space)); continue; }
    const unit = { at: units.length, name: fold ? "some of its workloads" : shortName(end), full: fold ? "namespace " + space : end.name, space, pods: Boolean(end.namespace), end: fold ? null : end };
    if (fold) spaces.set(space, unit.at);
    of.set(end.at, unit.at);
    units.push(unit);
  }
  return { units, of };
}

// Arrows of one kind of traffic each; where there is a word for many, one arrow stands for them.
function edgesOf(rows, columns, units, of) {
  const passed = new Map(), wide = new Set();
  for (const from of rows) for (const to of columns) {
    const key = answerShown(from.at, to.at);
    if (key < 0) continue;
    for (const one of summary(key).list) {
      if (state.hide && one.style === "open") continue;
      const a = of.get(from.at), b = of.get(to.at);
      for (const word of one.words) {
        if (word === "everything") wide.add(a + " " + b);
        const kind = one.style + "\n" + one.remark + "\n" + word;
        if (!passed.has(kind)) passed.set(kind, new Map());
        const sources = passed.get(kind);
        (sources.get(a) || sources.set(a, new Set()).get(a)).add(b);
      }
    }
  }
  const edges = new Map();
  for (const [kind, sources] of passed) {
    const targets = new Map();
    for (const [from, some] of sources) {
      for (const place of cover(units, some, (to) => to !== from && !wide.has(from + " " + to))) {
        if (!targets.has(place.id)) targets.set(place.id, { place, from: new Set() });
        targets.get(place.id).from.add(from);
      }
    }
    const [how, remarked, word] = kind.split("\n");
    for (const { place: to, from } of targets.values()) {
      const matters = (one) => to.unit === undefined || (one !== to.unit && !wide.has(one + " " + to.unit));
      for (const source of cover(units, from, matters)) {
        const id = source.id + "\n" + to.id + "\n" + how + "\n" + remarked;
        if (!edges.has(id)) edges.set(id, { from: source, to, style: how, remark: remarked, words: [] });
        edges.get(id).words.push(word);
      }
    }
  }
  return [...edges.values()];
}

function cover(units, some, matters) {
  const found = [], rest = new Set(some);
  const spaces = [...new Set(units.map((unit) => unit.space))];
  const groups = [["anyone", units], ["every pod", units.filter((unit) => unit.pods)]];
  for (const space of spaces) groups.push([null, units.filter((unit) => unit.space === space), space]);
  for (const [title, members, space] of groups) {
    const missing = members.filter((unit) => !some.has(unit.at) && matters(unit.at));
    const fresh = members.filter((unit) => rest.has(unit.at)).length;
    if (missing.length > 2 || fresh < (missing.length ? 3 * missing.length + 1 : 2)) continue;
    members.forEach((unit) => rest.delete(unit.at));
    const name = title || (members[0].pods ? space + "/*" : space);
    if (!missing.length) found.push({ id: name, title: name, space });
    else { const but = name + " but " + missing.map((unit) => unit.full).join(", "); found.push({ id: but, title: but }); }
  }
  for (const at of rest) found.push({ id: "#" + at, unit: at, title: units[at].full });
  return found;
}

// Columns: arrows go to the right but those that close a circle (Eades, Lin and Smyth 1993).
function ranksOf(count, arrows, most) {
  const left = new Set(Array.from({ length: count }, (_, at) => at)), front = [], back = [];
  while (left.size) {
    const out = new Map(), into = new Map();
    for (const [a, b] of arrows) if (a !== b && left.has(a) && left.has(b)) { out.set(a, (out.get(a) || 0) + 1); into.set(b, (into.get(b) || 0) + 1); }
    const sinks = [...left].filter((one) => !out.get(one)), sources = [...left].filter((one) => !into.get(one) && out.get(one));
    sinks.forEach((one) => left.delete(one)); sources.forEach((one) => left.delete(one));
    back.unshift(...sinks); front.push(...sources);
    if (!sinks.length && !sources.length) {
      const best = [...left].reduce((a, b) => ((out.get(b) || 0) - (into.get(b) || 0) > (out.get(a) || 0) - (into.get(a) || 0) ? b : a));
      left.delete(best); front.push(best);
    }
  }
  const order = [...front, ...back], place = new Map(order.map((one, at) => [one, at])), ranks = new Array(count).fill(0);
  for (const one of order) for (const [a, b] of arrows) if (b === one && place.get(a) < place.get(one)) ranks[one] = Math.max(ranks[one], Math.min(most - 1, ranks[a] + 1));
  return ranks;
}

const ruler = document.createElement("canvas").getContext("2d");
function widthOf(text, bold) {
  ruler.font = (bold ? "600 12px " : "11px ") + getComputedStyle(document.body).fontFamily;
  return Math.ceil(ruler.measureText(text).width);
}
const cut = (text) => (text.length > 46 ? text.slice(0, 45) + "\u2026" : text);

// Boxes in columns under the title of a frame.
function frameOf(title, items, edges, pins) {
  const index = new Map(items.map((item, at) => [item.id, at]));
  const inside = edges.filter((edge) => index.has(edge.from.id) && index.has(edge.to.id)).map((edge) => [index.get(edge.from.id), index.get(edge.to.id)]);
  const ranks = ranksOf(items.length, inside, 4), frame = { title, items, pins, width: title ? widthOf(title, true) + 2 * PAD : 0, height: 0 };
  let x = title ? PAD : 0;
  const top = title ? TITLE + pins.length * PIN + 6 : 0;
  for (let rank = 0; rank < 4; rank += 1) {
    const all = items.filter((_, at) => ranks[at] === rank);
    for (let first = 0; first < all.length; first += STACK) {
      const column = all.slice(first, first + STACK), width = Math.max(...column.map((item) => item.width));
      let y = top;
      for (const item of column) { Object.assign(item, { x, y, width }); y += item.height + PAD; }
      frame.height = Math.max(frame.height, y - (title ? 0 : PAD));
      x += width + 56;
    }
  }
  frame.width = Math.max(frame.width, x - 56 + (title ? PAD : 0));
  return frame;
}

function pinsOf(edges, id) {
  const all = new Map();
  for (const edge of edges) if (edge.to.id === id) all.set(edge.style + " " + edge.label, { style: edge.style, label: edge.label });
  return [...all.values()].sort((a, b) => (a.label < b.label ? -1 : 1));
}

function itemOf(place, units, edges, taking) {
  const unit = place.unit === undefined ? null : units[place.unit], title = cut(unit ? unit.name : place.title);
  const pins = taking ? pinsOf(edges, place.id) : [];
  const width = Math.max(widthOf(title, true), ...pins.map((pin) => widthOf(pin.label, false))) + 28;
  return { id: place.id, place, unit, title, pins, width, height: TITLE + pins.length * PIN + (pins.length ? 6 : 0) };
}

function layGraph(units, drawn, edges) {
  const met = (place, end) => edges.some((edge) => edge[end].id === place.id);
  const frames = [], spaces = [...new Set(drawn.map((unit) => unit.space))];
  for (const space of spaces) {
    const members = drawn.filter((unit) => unit.space === space), pods = members[0].pods, name = pods ? space + "/*" : space;
    const items = members.map((unit) => ({ id: "#" + unit.at, unit: unit.at, title: unit.full }));
    const sides = pods ? [["middle", () => true]] : [["from", (place) => met(place, "from")], ["to", (place) => met(place, "to")]];
    for (const [side, wanted] of sides) {
      const shown = items.filter(wanted), whole = { id: name, title: name };
      if (shown.length) frames.push(Object.assign(frameOf(space, shown.map((place) => itemOf(place, units, edges, side !== "from")), edges, side === "from" ? [] : pinsOf(edges, name)), { side, id: name }));
      else if (!pods && met(whole, side)) frames.push(Object.assign(frameOf(null, [itemOf(whole, units, edges, side !== "from")], edges, []), { side }));
    }
  }
  const named = new Set(spaces.flatMap((space) => [space, space + "/*"])), words = new Map();
  for (const edge of edges) for (const end of ["from", "to"]) {
    const place = edge[end];
    if (place.unit === undefined && !named.has(place.id)) words.set(end + place.id, [place, end]);
  }
  for (const [place, end] of words.values()) frames.push(Object.assign(frameOf(null, [itemOf(place, units, edges, end === "to")], edges, []), { side: end }));
  return standing(frames, edges);
}

// Frames into columns, each near what it has arrows with.
function standing(frames, edges) {
  const spots = { from: new Map(), to: new Map() };
  frames.forEach((frame, at) => {
    for (const end of ["from", "to"]) {
      if (frame.side !== "middle" && frame.side !== end) continue;
      if (frame.id) spots[end].set(frame.id, { at, frame });
      frame.items.forEach((item) => spots[end].set(item.id, { at, frame, item }));
    }
  });
  const links = edges.map((edge) => [spots.from.get(edge.from.id), spots.to.get(edge.to.id)]).filter(([a, b]) => a && b);
  const middle = frames.map((_, at) => at).filter((at) => frames[at].side === "middle"), index = new Map(middle.map((at, i) => [at, i]));
  const ranks = ranksOf(middle.length, links.filter(([a, b]) => index.has(a.at) && index.has(b.at) && a.at !== b.at).map(([a, b]) => [index.get(a.at), index.get(b.at)]), 6);
  const area = frames.reduce((sum, frame) => sum + frame.width * frame.height, 0), most = Math.max(560, Math.sqrt(area));
  const columns = [frames.filter((frame) => frame.side === "from")];
  for (let rank = 0; rank < 6; rank += 1) {
    let column = [], height = 0;
    for (const at of middle.filter((_, i) => ranks[i] === rank)) {
      if (column.length && height + frames[at].height > most) { columns.push(column); column = []; height = 0; }
      column.push(frames[at]); height += frames[at].height + GAP;
    }
    columns.push(column);
  }
  columns.push(frames.filter((frame) => frame.side === "to"));
  const used = columns.filter((column) => column.length), tall = (column) => column.reduce((sum, frame) => sum + frame.height + GAP, -GAP);
  const height = Math.max(0, ...used.map(tall));
  const stack = (column) => { let y = GAP + (height - tall(column)) / 2; for (const frame of column) { frame.y = y; y += frame.height + GAP; } };
  const centre = (frame) => frame.y + frame.height / 2;
  used.forEach(stack);
  for (let round = 0; round < 4; round += 1) for (const column of used) {
    const mean = new Map(column.map((frame) => {
      const met = links.flatMap(([a, b]) => (a.frame === frame && b.frame !== frame ? [centre(b.frame)] : b.frame === frame && a.frame !== frame ? [centre(a.frame)] : []));
      return [frame, met.length ? met.reduce((a, b) => a + b, 0) / met.length : centre(frame)];
    }));
    column.sort((a, b) => mean.get(a) - mean.get(b));
    stack(column);
  }
  let x = GAP;
  for (const column of used) { for (const frame of column) frame.x = x; x += Math.max(...column.map((frame) => frame.width)) + 110; }
  return { frames, spots, width: x - 110 + GAP, height: height + 2 * GAP };
}

function shape(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function drawGraph(host, rows, columns) {
  const shown = ends.filter((end) => rows.includes(end) || columns.includes(end));
  const folded = state.fold || shown.filter((end) => end.namespace).length > 120;
  const { units, of } = unitsOf(shown, folded);
  const edges = edgesOf(rows, columns, units, of);
  for (const edge of edges) edge.label = cut((edge.words.length > 5 ? [...edge.words.slice(0, 4), edge.words.length - 4 + " more"] : edge.words).join(", ") + (edge.remark ? " (" + edge.remark + ")" : ""));
  if (!edges.length || edges.length > MOST_EDGES) {
    const note = document.createElement("p");
    note.className = "note";
    note.textContent = edges.length ? edges.length + " arrows would be too many to read: choose a namespace, or find a workload." : "Nothing passes here.";
    host.replaceChildren(note);
    return { folded, edges: edges.length };
  }
  const used = new Set(edges.flatMap((edge) => [edge.from, edge.to]).flatMap((place) => (place.unit === undefined ? [] : [place.unit])));
  const whole = new Set(edges.flatMap((edge) => [edge.from.id, edge.to.id]));
  const drawn = units.filter((unit) => unit.pods || used.has(unit.at) || whole.has(unit.space));
  const svg = picture(layGraph(units, drawn, edges), edges), [width, height] = ["width", "height"].map((side) => Number(svg.getAttribute(side)));
  const scale = Math.max(0.6, Math.min(1, (host.clientWidth - 16) / width));
  svg.setAttribute("width", width * scale);
  svg.setAttribute("height", height * scale);
  host.replaceChildren(svg);
  return { folded, edges: edges.length };
}

function picture({ frames, spots, width, height }, edges) {
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": "Who reaches whom" });
  const defs = shape("defs", {});
  for (const kind of ["plain", "proxy", "auth", "open"]) {
    const head = shape("marker", { id: "head-" + kind, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" });
    head.append(shape("path", { d: "M0 1 7 4 0 7z", style: `fill: var(--${kind})` }));
    defs.append(head);
  }
  const back = shape("g", {}), lines = shape("g", {}), front = shape("g", {}), nodes = new Map();
  const pinned = (host, pins, x, y) => pins.forEach((pin, at) => host.append(shape("text", { class: "pin " + pin.style, x: x + 12, y: y + at * PIN + 11 }, pin.label)));
  for (const frame of frames) {
    if (frame.title) {
      back.append(shape("rect", { class: "frame", x: frame.x, y: frame.y, width: frame.width, height: frame.height, rx: 10 }));
      back.append(shape("text", { class: "space", x: frame.x + 12, y: frame.y + 18 }, frame.title));
      pinned(back, frame.pins, frame.x, frame.y + TITLE);
    }
    for (const item of frame.items) {
      const node = shape("g", { class: "node", tabindex: 0, role: "button", "aria-label": item.place.title }), x = frame.x + item.x, y = frame.y + item.y;
      const end = item.unit && item.unit.end, guarded = (side) => end && end[side] && end[side].state === "default-deny";
      const bare = end && end.ingress && !guarded("ingress") && !guarded("egress");
      node.append(shape("rect", { class: bare ? "box unguarded" : "box", x, y, width: item.width, height: item.height, rx: 6 }));
      if (guarded("ingress")) node.append(shape("rect", { class: "guard", x, y: y + 5, width: 3, height: item.height - 10, rx: 1.5 }));
      if (guarded("egress")) node.append(shape("rect", { class: "guard", x: x + item.width - 3, y: y + 5, width: 3, height: item.height - 10, rx: 1.5 }));
      node.append(shape("text", { class: "name", x: x + 12, y: y + 17 }, item.title));
      pinned(node, item.pins, x, y + TITLE);
      if (end) { node.addEventListener("click", () => showEnd(end)); node.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); event.stopPropagation(); showEnd(end); } }); }
      const light = (on) => lighten(svg, lines, nodes, item.id, on);
      node.addEventListener("pointerenter", () => light(true)); node.addEventListener("pointerleave", () => light(false));
      node.addEventListener("focus", () => light(true)); node.addEventListener("blur", () => light(false));
      (nodes.get(item.id) || nodes.set(item.id, []).get(item.id)).push(node);
      front.append(node);
    }
  }
  for (const edge of edges) {
    const from = spots.from.get(edge.from.id), to = spots.to.get(edge.to.id);
    if (!from || !to) continue;
    const rect = (spot) => (spot.item ? { x: spot.frame.x + spot.item.x, y: spot.frame.y + spot.item.y, width: spot.item.width, pins: spot.item.pins } : spot.frame);
    const a = rect(from), b = rect(to), row = Math.max(0, b.pins.findIndex((pin) => pin.label === edge.label && pin.style === edge.style));
    const x1 = a.x + a.width, y1 = a.y + TITLE / 2, x2 = b.x, y2 = b.y + TITLE + row * PIN + 8, ahead = x2 - x1;
    const bend = ahead > 30 ? Math.min(140, Math.max(30, ahead / 2)) : 46 + Math.min(240, Math.abs(y2 - y1)) / 6;
    // What would run behind other boxes of its row goes around them.
    const bow = Math.abs(y2 - y1) > 24 ? 0 : ahead > 170 ? -52 : ahead < 0 ? 64 : 0;
    const line = shape("path", { class: "edge " + edge.style, d: `M${x1} ${y1} C${x1 + bend} ${y1 + bow} ${x2 - bend} ${y2 + bow} ${x2} ${y2}`, "marker-end": `url(#head-${edge.style})` });
    line.append(shape("title", {}, `${edge.from.title} \u2192 ${edge.to.title}: ${edge.label}`));
    line.ends = [edge.from.id, edge.to.id];
    lines.append(line);
  }
  svg.append(defs, back, lines, front);
  return svg;
}

function lighten(svg, lines, nodes, id, on) {
  svg.classList.toggle("dim", on);
  const near = new Set([id]);
  for (const line of lines.children) { const lit = on && line.ends.includes(id); line.classList.toggle("lit", lit); if (lit) line.ends.forEach((end) => near.add(end)); }
  for (const [name, all] of nodes) for (const node of all) node.classList.toggle("lit", on && near.has(name));
}
