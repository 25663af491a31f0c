// What is said about a pair: rows of the table, cut where either direction cuts ports. The same as `sluice graph --format json`.
"use strict";

const data = JSON.parse(document.getElementById("data").textContent);

// Rows for all ends, as [row, how often] pairs; -1 where no packet goes that way.
function unpacked(runs) {
  const all = new Int32Array(data.ends.length);
  let at = 0;
  for (let i = 0; i < runs.length; i += 2) { all.fill(runs[i], at, at + runs[i + 1]); at += runs[i + 1]; }
  return all;
}

const tables = data.tables.map(unpacked);
const ends = data.ends;
ends.forEach((end, at) => { end.at = at; });

// The rows about traffic from one end to another, as one number; -1 if nobody has a word.
const ROWS = 1 << 20;
function answer(from, to) {
  const sent = ends[from].egressTable, taken = ends[to].ingressTable;
  if (sent === null && taken === null) return -1;
  const egress = sent === null ? ROWS - 1 : tables[sent][to];
  const ingress = taken === null ? ROWS - 1 : tables[taken][from];
  return egress < 0 || ingress < 0 ? -1 : egress * ROWS + ingress;
}

const portless = new Set(data.portless), icmp = new Set(data.icmp);
const protocol = (number) => data.protocols[number] || "ip-" + number;

// All traffic, cut only where a side says another thing: [traffic, verdict of the sender's side, of the receiver's].
function stretches(key) {
  const egress = Math.floor(key / ROWS), ingress = key % ROWS;
  const e = egress === ROWS - 1 ? null : data.rows.egress[egress], i = ingress === ROWS - 1 ? null : data.rows.ingress[ingress];
  const said = (a, b) => [e ? e[a] : null, i ? i[b] : null];
  const same = (a, b) => a[0] === b[0] && a[1] === b[1];
  const others = said(0, 0), own = [], found = [];
  let listed = 0;
  for (let at = 0; at < data.pieces.length;) {
    const of = data.pieces[at][0], joined = [];
    listed += 1;
    for (; at < data.pieces.length && data.pieces[at][0] === of; at += 1) {
      const [, start, end, a, b] = data.pieces[at], now = said(a, b), last = joined[joined.length - 1];
      if (last && same(last.said, now)) last.end = end; else joined.push({ of, start, end, said: now });
    }
    if (joined.length === 1 && same(joined[0].said, others)) continue;
    own.push(of);
    for (const one of joined) found.push({ traffic: { of: one.of, start: one.start, end: one.end }, egress: one.said[0], ingress: one.said[1] });
  }
  if (listed < 256 || own.length < 256) found.unshift({ traffic: { but: own }, egress: others[0], ingress: others[1] });
  return found;
}

const outcomes = (stretch) => [stretch.egress, stretch.ingress].filter((one) => one !== null).map((one) => data.verdicts[one]);

// deny, auth, proxy, open or plain: how some traffic passes, or that it does not.
function style(stretch) {
  const all = outcomes(stretch);
  if (all.some((one) => one.verdict === "deny")) return "deny";
  if (all.some((one) => one.authentication && one.authentication !== "disabled")) return "auth";
  if (all.some((one) => one.verdict === "redirect")) return "proxy";
  return all.every((one) => one.reason === "not-isolated" || one.reason === "not-enforced") ? "open" : "plain";
}

function remark(stretch) {
  const all = outcomes(stretch), kind = style(stretch);
  if (kind === "auth") return all.some((one) => one.authentication === "test-always-fail") ? "authentication fails" : "authenticated";
  if (kind !== "proxy") return "";
  return [...new Set(all.flatMap((one) => one.layer7 || []))].sort().join(", ");
}

function ports(of, start, end) {
  if ((start === 0 && end === 65535) || portless.has(of)) return protocol(of);
  const numbers = start === end ? String(start) : start + "-" + end;
  return icmp.has(of) ? protocol(of) + " type " + numbers : numbers + "/" + protocol(of);
}

function complement(ranges) {
  const missing = [];
  let next = 0;
  for (const [start, end] of ranges) { if (next < start) missing.push([next, start - 1]); next = end + 1; }
  if (next <= 65535) missing.push([next, 65535]);
  return missing;
}

// Traffic in the fewest words.
function words(traffic) {
  let but = null;
  const ranges = new Map();
  for (const one of traffic) {
    if (one.but) but = but === null ? [...one.but] : but.filter((of) => one.but.includes(of));
    else (ranges.get(one.of) || ranges.set(one.of, []).get(one.of)).push([one.start, one.end]);
  }
  for (const [of, own] of ranges) {
    own.sort((a, b) => a[0] - b[0]);
    const joined = [];
    for (const range of own) {
      const last = joined[joined.length - 1];
      if (last && range[0] <= last[1] + 1) last[1] = Math.max(last[1], range[1]); else joined.push([...range]);
    }
    ranges.set(of, joined);
  }
  const all = [];
  if (but !== null) for (const of of [...ranges.keys()]) if (!but.includes(of)) ranges.delete(of);
  if (but !== null) {
    const except = [];
    for (const of of but.sort((a, b) => a - b)) {
      const own = ranges.get(of) || [], missing = complement(own);
      if (own.length === 0 || missing.length > own.length) { except.push(ports(of, 0, 65535)); continue; }
      for (const [start, end] of missing) except.push(ports(of, start, end));
      ranges.delete(of);
    }
    all.push(except.length ? "everything but " + except.join(", ") : "everything");
  }
  for (const of of [...ranges.keys()].sort((a, b) => a - b)) for (const [start, end] of ranges.get(of)) all.push(ports(of, start, end));
  return all;
}

// What passes, by how: [{ style, remark, words }], what is denied left out; and the style that a cell is painted in.
const summaries = new Map();
function summary(key) {
  const known = summaries.get(key);
  if (known) return known;
  const passing = new Map(), all = stretches(key);
  for (const stretch of all) {
    const kind = style(stretch);
    if (kind === "deny") continue;
    const name = kind + " " + remark(stretch);
    if (!passing.has(name)) passing.set(name, { style: kind, remark: remark(stretch), traffic: [] });
    passing.get(name).traffic.push(stretch.traffic);
  }
  const order = ["plain", "proxy", "auth", "open"];
  const list = [...passing.values()].sort((a, b) => order.indexOf(a.style) - order.indexOf(b.style));
  for (const one of list) one.words = words(one.traffic);
  const byRule = all.some((stretch) => outcomes(stretch).some((one) => one.verdict === "deny" && one.reason === "rules"));
  const strongest = ["proxy", "auth", "plain", "open"].find((kind) => list.some((one) => one.style === kind));
  const whole = words(list.flatMap((one) => one.traffic))[0] === "everything";
  const made = { list, style: strongest || (byRule ? "deny" : "none"), whole, open: list.length > 0 && list.every((one) => one.style === "open") };
  summaries.set(key, made);
  return made;
}

const label = (one) => one.words.join(", ") + (one.remark ? " (" + one.remark + ")" : "");
function inWords(key) {
  if (key < 0) return "no packet goes that way";
  const { list, style: kind } = summary(key);
  if (list.length) return list.map((one) => label(one) + (one.style === "open" ? " (no rule restricts it)" : "")).join("; ");
  return kind === "deny" ? "denied by a rule" : "default deny";
}
