// The matrix: a canvas as large as the window, painted anew for each scroll; only what is seen is painted.
"use strict";

const matrix = {
  scroll: document.getElementById("scroll"), sheet: document.getElementById("sheet"), canvas: document.getElementById("canvas"),
  active: document.getElementById("active"), tip: document.getElementById("tip"),
  size: 24, side: 220, top: 150, rows: [], columns: [], at: null, hover: null, colours: {},
};

const spaceOf = (end) => end.namespace || (end.kind === "outside" ? "outside" : "nodes and entities");
const shortName = (end) => (end.namespace && end.name.startsWith(end.namespace + "/") ? end.name.slice(end.namespace.length + 1) : end.name);

function readColours() {
  const css = getComputedStyle(document.documentElement);
  for (const name of ["paper", "band", "line", "grid", "ink", "soft", "accent", "whole", "plain", "proxy", "auth", "open", "deny", "guard"]) {
    matrix.colours[name] = css.getPropertyValue("--" + name).trim();
  }
}

// Places along one axis: a gap stands between namespaces.
function places(list) {
  const gap = 6, found = [];
  let at = 0;
  list.forEach((end, index) => {
    if (index > 0 && spaceOf(list[index - 1]) !== spaceOf(end)) at += gap;
    found.push(at);
    at += matrix.size;
  });
  return { found, length: at };
}

function layMatrix(rows, columns) {
  matrix.rows = rows; matrix.columns = columns;
  matrix.rowNames = names(rows); matrix.columnNames = names(columns);
  const wide = (list) => list.reduce((most, name) => Math.max(most, name.length), 8);
  matrix.side = Math.min(300, Math.max(150, wide(matrix.rowNames) * 7 + 46));
  matrix.top = Math.min(190, Math.max(84, wide(matrix.columnNames) * fontSize() * 0.5 + 48));
  matrix.y = places(rows); matrix.x = places(columns);
  matrix.sheet.style.width = matrix.side + matrix.x.length + 24 + "px";
  matrix.sheet.style.height = matrix.top + matrix.y.length + 24 + "px";
  matrix.scroll.setAttribute("aria-rowcount", rows.length);
  matrix.scroll.setAttribute("aria-colcount", columns.length);
  if (matrix.at && (matrix.at.row >= rows.length || matrix.at.column >= columns.length)) matrix.at = null;
  markActive();
  paint();
}

const fontSize = () => Math.min(13, Math.max(8, matrix.size * 0.56));

// Names along an axis: without the namespace where its band has room to say it.
function names(list) {
  const count = new Map();
  for (const end of list) count.set(spaceOf(end), (count.get(spaceOf(end)) || 0) + 1);
  return list.map((end) => (count.get(spaceOf(end)) * matrix.size < 44 ? end.name : shortName(end)));
}

// The first place that ends behind a position.
function firstAt(found, position) {
  let low = 0, high = found.length;
  while (low < high) { const middle = (low + high) >> 1; if (found[middle] + matrix.size <= position) low = middle + 1; else high = middle; }
  return low;
}

let asked = 0;
function paint() { if (!asked) asked = requestAnimationFrame(() => { asked = 0; paintNow(); }); }

function paintNow() {
  const { scroll, canvas, colours, size, side, top } = matrix;
  const width = scroll.clientWidth, height = scroll.clientHeight, ratio = window.devicePixelRatio || 1;
  if (!width || !matrix.x) return;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio); canvas.height = Math.round(height * ratio);
    canvas.style.width = width + "px"; canvas.style.height = height + "px";
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.fillStyle = colours.paper;
  pen.fillRect(0, 0, width, height);
  const left = scroll.scrollLeft, above = scroll.scrollTop;
  const firstRow = firstAt(matrix.y.found, above), firstColumn = firstAt(matrix.x.found, left);
  const look = matrix.hover || matrix.at;
  pen.save();
  pen.beginPath(); pen.rect(side, top, width - side, height - top); pen.clip();
  for (let row = firstRow; row < matrix.rows.length; row += 1) {
    const y = top + matrix.y.found[row] - above;
    if (y > height) break;
    for (let column = firstColumn; column < matrix.columns.length; column += 1) {
      const x = side + matrix.x.found[column] - left;
      if (x > width) break;
      if (look && (look.row === row || look.column === column)) { pen.fillStyle = colours.band; pen.fillRect(x, y, size, size); }
      paintCell(pen, answerShown(matrix.rows[row].at, matrix.columns[column].at), x, y);
    }
  }
  pen.restore();
  paintNames(pen, width, height, left, above, look);
}

function paintCell(pen, key, x, y) {
  const { size, colours } = matrix;
  pen.strokeStyle = colours.grid; pen.lineWidth = 1;
  pen.strokeRect(x + 0.5, y + 0.5, size - 1, size - 1);
  if (key < 0) { pen.fillStyle = colours.line; pen.fillRect(x + size / 2 - 1, y + size / 2 - 1, 2, 2); return; }
  const { style: kind, whole } = summary(key), pad = Math.max(1.5, size * 0.14), inner = size - 2 * pad;
  if (kind === "none") return;
  if (kind === "deny") { pen.fillStyle = colours.deny; pen.fillRect(x + pad + 1, y + size / 2 - 1, inner - 2, 2); return; }
  if (whole || kind === "open") {
    pen.fillStyle = kind === "plain" ? colours.whole : colours[kind];
    pen.beginPath(); pen.roundRect(x + pad, y + pad, inner, inner, size * 0.14); pen.fill();
  } else {
    const line = Math.max(1.5, size * 0.13);
    pen.strokeStyle = colours[kind]; pen.lineWidth = line;
    pen.beginPath(); pen.roundRect(x + pad + line / 2, y + pad + line / 2, inner - line, inner - line, size * 0.12); pen.stroke();
  }
}

function clipped(pen, text, width) {
  if (pen.measureText(text).width <= width) return text;
  let short = text;
  while (short.length > 1 && pen.measureText(short + "\u2026").width > width) short = short.slice(0, -1);
  return short + "\u2026";
}

function paintNames(pen, width, height, left, above, look) {
  const { colours, size, side, top } = matrix, font = getComputedStyle(document.body).fontFamily;
  pen.fillStyle = colours.paper;
  pen.fillRect(0, 0, width, top); pen.fillRect(0, 0, side, height);
  pen.textBaseline = "middle";
  const small = fontSize();
  pen.save(); pen.beginPath(); pen.rect(0, top, side, height - top); pen.clip();
  for (let row = firstAt(matrix.y.found, above); row < matrix.rows.length; row += 1) {
    const y = top + matrix.y.found[row] - above;
    if (y > height) break;
    const end = matrix.rows[row], lit = look && look.row === row;
    if (lit) { pen.fillStyle = colours.band; pen.fillRect(22, y, side - 22, size); }
    pen.font = (lit ? "600 " : "") + small + "px " + font;
    pen.fillStyle = lit ? colours.accent : colours.ink; pen.textAlign = "left";
    if (size >= 8) pen.fillText(clipped(pen, matrix.rowNames[row], side - 42), 28, y + size / 2 + 0.5);
    guard(pen, end.egress, side - 7, y + 3, 3, size - 6);
  }
  bands(pen, matrix.rows, matrix.y.found, above, top, height, (text, from, to) => {
    pen.save(); pen.translate(12, (from + to) / 2); pen.rotate(-Math.PI / 2); pen.textAlign = "center"; pen.fillText(clipped(pen, text, to - from - 6), 0, 0); pen.restore();
  }, (from, to) => pen.fillRect(2, from, 18, to - from));
  pen.restore();
  pen.save(); pen.beginPath(); pen.rect(side, 0, width - side, top); pen.clip();
  for (let column = firstAt(matrix.x.found, left - 120); column < matrix.columns.length; column += 1) {
    const x = side + matrix.x.found[column] - left;
    if (x > width) break;
    const end = matrix.columns[column], lit = look && look.column === column;
    pen.font = (lit ? "600 " : "") + small + "px " + font;
    pen.fillStyle = lit ? colours.accent : colours.ink; pen.textAlign = "left";
    if (size >= 8) { pen.save(); pen.translate(x + size / 2 + 1, top - 9); pen.rotate(-Math.PI / 3); pen.fillText(clipped(pen, matrix.columnNames[column], (top - 42) * 1.1), 0, 0); pen.restore(); }
    guard(pen, end.ingress, x + 3, top - 6, size - 6, 3);
  }
  bands(pen, matrix.columns, matrix.x.found, left, side, width, (text, from, to) => {
    pen.textAlign = "center"; pen.fillText(clipped(pen, text, to - from - 6), (from + to) / 2, 12);
  }, (from, to) => pen.fillRect(from, 2, to - from, 18));
  pen.restore();
  pen.fillStyle = colours.soft; pen.font = "12px " + font; pen.textAlign = "right";
  pen.fillText("receives \u2192", side - 10, top - 34); pen.fillText("sends \u2193", side - 10, top - 14);
}

// A bar where a direction is isolated.
function guard(pen, state, x, y, width, height) {
  if (!state || state.state !== "default-deny") return;
  pen.fillStyle = matrix.colours.guard; pen.fillRect(x, y, width, height);
}

function bands(pen, list, found, scrolled, start, limit, name, area) {
  const font = getComputedStyle(document.body).fontFamily;
  for (let first = 0; first < list.length;) {
    let last = first;
    while (last + 1 < list.length && spaceOf(list[last + 1]) === spaceOf(list[first])) last += 1;
    const from = Math.max(start, start + found[first] - scrolled), to = Math.min(limit, start + found[last] + matrix.size - scrolled);
    if (to > from) {
      pen.fillStyle = matrix.colours.band; area(from, to);
      pen.fillStyle = matrix.colours.soft; pen.font = "600 11.5px " + font;
      if (to - from > 44) name(spaceOf(list[first]), from, to);
    }
    first = last + 1;
  }
}

function cellAt(event) {
  const box = matrix.scroll.getBoundingClientRect();
  const x = event.clientX - box.left, y = event.clientY - box.top;
  const within = (found, position) => { const at = firstAt(found, position); return at < found.length && found[at] <= position ? at : -1; };
  return {
    row: y < matrix.top ? -1 : within(matrix.y.found, y - matrix.top + matrix.scroll.scrollTop),
    column: x < matrix.side ? -1 : within(matrix.x.found, x - matrix.side + matrix.scroll.scrollLeft),
  };
}

function markActive() {
  const { active, at } = matrix;
  active.hidden = !at;
  if (!at) return;
  const from = matrix.rows[at.row], to = matrix.columns[at.column];
  active.style.left = matrix.side + matrix.x.found[at.column] + "px";
  active.style.top = matrix.top + matrix.y.found[at.row] + "px";
  active.style.width = active.style.height = matrix.size + "px";
  active.parentNode.setAttribute("aria-rowindex", at.row + 1);
  active.setAttribute("aria-colindex", at.column + 1);
  active.setAttribute("aria-label", from.name + " to " + to.name + ": " + inWords(answerShown(from.at, to.at)));
}

// Moves the active cell, and what is seen with it.
function activate(row, column) {
  if (!matrix.rows.length || !matrix.columns.length) return;
  const within = (at, list) => Math.min(list.length - 1, Math.max(0, at));
  matrix.at = { row: within(row, matrix.rows), column: within(column, matrix.columns) };
  const { scroll, size } = matrix, x = matrix.x.found[matrix.at.column], y = matrix.y.found[matrix.at.row];
  const wide = scroll.clientWidth - matrix.side, high = scroll.clientHeight - matrix.top;
  if (x < scroll.scrollLeft) scroll.scrollLeft = x; else if (x + size > scroll.scrollLeft + wide) scroll.scrollLeft = x + size - wide + 8;
  if (y < scroll.scrollTop) scroll.scrollTop = y; else if (y + size > scroll.scrollTop + high) scroll.scrollTop = y + size - high + 8;
  markActive();
  paint();
}

function showTip(event) {
  const { tip } = matrix, cell = cellAt(event);
  const inside = cell.row >= 0 && cell.column >= 0, named = cell.row >= 0 || cell.column >= 0;
  matrix.hover = named ? cell : null;
  tip.hidden = !inside;
  matrix.scroll.style.cursor = named ? "pointer" : "";
  if (inside) {
    const from = matrix.rows[cell.row], to = matrix.columns[cell.column], title = document.createElement("b");
    title.textContent = from.name + " \u2192 " + to.name;
    tip.replaceChildren(title, inWords(answerShown(from.at, to.at)));
    const room = tip.getBoundingClientRect();
    tip.style.left = Math.min(event.clientX + 14, innerWidth - room.width - 8) + "px";
    tip.style.top = Math.min(event.clientY + 16, innerHeight - room.height - 8) + "px";
  }
  paint();
}
