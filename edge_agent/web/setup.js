const POLL_MS = 250, WIDE = 1000;
const KINDS = ["zones", "masks"];
const SIGNS = { good: "✓ Good", caution: "! Look at this", poor: "✕ Change this" };
const $ = (id) => document.getElementById(id);
const csrf = document.querySelector("meta[name=csrf]").content;
const drafts = new Map();  // by camera: zones and masks as drawn, and the states before and after
let site = { version: "", previous: null };
let chosen = null;    // { kind, index } of the shape whose corners are shown
let drawing = false;  // whether clicks add corners to it
let high = 562, dragged = null, flaws = [];

const camera = () => $("camera").value;
const draft = () => drafts.get(camera());
const state = (of) => JSON.stringify({ zones: of.zones, masks: of.masks });
const changed = (of) => state(of) !== of.saved;
const shapeOf = (at) => at && draft()[at.kind][at.index];
const within = (value) => Math.round(Math.min(Math.max(value, 0), 1) * 1000) / 1000;
const say = (text) => { $("said").textContent = text; };

function element(name, attributes = {}, ...content) {
  const [, space, tag] = /^(svg:)?(.*)$/.exec(name);
  const made = space ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...content);
  return made;
}

async function ask(path, body) {
  const headers = { "Content-Type": "application/json", "X-Setup": csrf };
  const reply = await fetch(path, body && { method: "POST", body: JSON.stringify(body), headers });
  return { status: reply.status, said: await reply.json() };
}

// What is drawn, and the way back.

function remember() {
  draft().past.push(state(draft()));
  draft().future = [];
}

function travel(from, to) {
  const of = draft();
  if (!of[from].length) return;
  of[to].push(state(of));
  Object.assign(of, JSON.parse(of[from].pop()));
  if (!shapeOf(chosen)) [chosen, drawing] = [null, false];
  drawAll();
}

function take(fresh) {
  site = fresh;
  for (const { name, zones, masks } of fresh.cameras) {
    const numbered = zones.map((zone, was) => ({ ...zone, was }));
    const of = { zones: numbered, masks: masks.map((polygon, was) => ({ polygon, was })) };
    if (name !== camera() && drafts.get(name)?.saved === state(of)) continue;  // what is drawn there stays
    drafts.set(name, { ...of, saved: state(of), past: [], future: [] });
  }
  $("weak").replaceChildren(...fresh.weaknesses.map((text) => element("li", {}, text)));
  [flaws, chosen, drawing] = [[], null, false];
  drawAll();
}

function add(kind, byKeyboard) {
  const list = draft()[kind], index = list.length;
  remember();
  list.push({ ...(kind === "zones" && { name: `zone-${index + 1}`, workers: null }), polygon: [], was: null });
  [chosen, drawing] = [{ kind, index }, true];
  drawAll();
  if (byKeyboard) $(`${kind}-${index}-polygon`).focus();
  else $("floor").scrollIntoView({ block: "nearest" });
}

function remove(kind, index) {
  remember();
  draft()[kind].splice(index, 1);
  [chosen, drawing] = [null, false];
  drawAll();
  $(`add-${kind}`).focus();
}

// The list: each corner is a number to type as well, for those who use no mouse.

function read(key, text) {
  if (key === "workers") return text === "" ? null : Number(text);
  if (key === "name") return text;
  const numbers = (text.match(/-?[\d.]+/g) ?? []).map(Number);
  return numbers.flatMap((x, place) => (place % 2 ? [] : [[x, numbers[place + 1] ?? 0]]));
}

function field(at, key, label, attributes = {}) {
  const id = `${at.kind}-${at.index}-${key}`, shape = shapeOf(at);
  const flaw = flaws.find(({ place: [kind, index, part] }) =>
    kind === at.kind && index === at.index && (kind === "masks" || (part ?? "polygon") === key));
  const value = key === "polygon" ? shape.polygon.map((corner) => corner.join(" ")).join(", ") : shape[key] ?? "";
  const input = element("input", { id, value, "aria-describedby": `${id}-e`, autocomplete: "off", ...attributes });
  if (flaw) input.setAttribute("aria-invalid", "true");
  input.addEventListener("focus", () => {
    if (shapeOf(chosen) === shape) return;
    [chosen, drawing] = [at, false];
    drawFloor();
  });
  input.addEventListener("input", () => {
    if (!input.dataset.begun) remember();
    input.dataset.begun = "yes";
    shape[key] = read(key, input.value);
    drawFloor();
  });
  const told = element("p", { id: `${id}-e`, class: "error" }, flaw ? `${flaw.what}: ${flaw.fix}` : "");
  return element("div", {}, element("label", { for: id }, label), input, told);
}

function entry(kind, index) {
  const at = { kind, index }, name = kind === "zones" ? `Zone ${shapeOf(at).name}` : `Mask ${index + 1}`;
  const box = element("fieldset", { class: "shape" }, element("legend", {}, name));
  if (kind === "zones") {
    const workers = field(at, "workers", "Workers", { type: "number", min: 1 });
    box.append(element("div", { class: "row" }, field(at, "name", "Name"), workers));
  }
  const button = element("button", { type: "button", "aria-label": `Delete ${name}` }, "Delete");
  button.addEventListener("click", () => remove(kind, index));
  box.append(field(at, "polygon", "Corners"), button);
  return box;
}

function drawAll() {
  const focused = document.activeElement?.id;
  for (const kind of KINDS) $(kind).replaceChildren(...draft()[kind].map((_, index) => entry(kind, index)));
  if (focused) $(focused)?.focus();
  drawFloor();
}

// The floor: an empty one, with what is drawn.

function drawFloor() {
  const floor = $("floor"), parts = [], of = draft();
  floor.setAttribute("viewBox", `0 0 ${WIDE} ${high}`);
  floor.style.setProperty("--unit", WIDE / floor.clientWidth);
  floor.classList.toggle("drawing", drawing);
  for (const kind of KINDS) of[kind].forEach((shape, index) => parts.push(...drawShape(kind, index, shape)));
  $("shapes").replaceChildren(...parts);
  $("undo").disabled = !of.past.length;
  $("redo").disabled = !of.future.length;
  $("save").disabled = !changed(of);
  $("restore").disabled = !site.previous;
  $("hint").textContent = chosen ? "Drag a corner to move it." : "Click a zone or a mask to change it.";
  if (drawing) $("hint").textContent = "Click the corners one by one; to end, click the first again or press Enter.";
}

function drawShape(kind, index, shape) {
  const own = shapeOf(chosen) === shape;
  const points = shape.polygon.map(([x, y]) => [x * WIDE, y * high]);
  const drawn = element("svg:polygon", { points: points.join(" "), class: `${kind}${own ? " chosen" : ""}` });
  drawn.addEventListener("click", () => {
    chosen = { kind, index };
    drawFloor();
  });
  const [x, y] = points[0] ?? [0, 0];
  const name = element("svg:text", { x: x + 8, y: y + 34 }, points.length ? shape.name ?? "masked" : "");
  if (!own) return [drawn, name];
  const corner = ([cx, cy], index) => element("svg:circle", { cx, cy, class: "corner", "data-corner": index });
  return [drawn, name, ...points.map(corner)];
}

function finish() {
  drawing = false;
  drawAll();
}

function place(event) {
  const box = $("floor").getBoundingClientRect();
  return [within((event.clientX - box.left) / box.width), within((event.clientY - box.top) / box.height)];
}

$("floor").addEventListener("pointerdown", (event) => {
  if (event.target.dataset.corner === undefined) return;
  dragged = { corner: Number(event.target.dataset.corner), moved: false };
  event.preventDefault();
  $("floor").setPointerCapture(event.pointerId);
});
$("floor").addEventListener("pointermove", (event) => {
  if (!dragged || !event.buttons) return;
  if (!dragged.moved) remember();
  dragged.moved = true;
  shapeOf(chosen).polygon[dragged.corner] = place(event);
  drawFloor();
});
$("floor").addEventListener("pointerup", () => {
  if (dragged?.moved) drawAll();
  else if (dragged?.corner === 0 && drawing) finish();
  setTimeout(() => { dragged = null; });  // the click that follows is no new corner
});
$("floor").addEventListener("click", (event) => {
  if (!drawing || dragged) return;
  remember();
  shapeOf(chosen).polygon.push(place(event));
  drawAll();
});

// What is seen, a few times a second.

function drawLive(live) {
  const [width, height] = live.size_px;
  if (width && high !== Math.round(WIDE * height / width)) {
    high = Math.round(WIDE * height / width);
    drawFloor();
  }
  $("people").replaceChildren(...live.bodies.flatMap(drawBody));
  $("who").replaceChildren(...live.bodies.map(({ zone }) =>
    element("li", {}, zone ? `Feet in ${zone}` : "Feet outside of all zones: a lift here is not counted")));
  $("advice").replaceChildren(...live.advice.map(([level, text]) =>
    element("p", { class: `flag ${level}` }, element("span", {}, element("b", {}, SIGNS[level]), `: ${text}`))));
  for (const table of ["figures", "cameras"]) $(table).replaceChildren(...live[table].map(([name, ...cells]) =>
    element("tr", {}, element("th", { scope: "row" }, name), ...cells.map((cell) => element("td", {}, cell)))));
  $("left").textContent = `this page ends in ${Math.ceil(live.left_s / 60)} min`;
  drawPicture(live.picture_s);
}

function drawBody({ lines, head, feet, zone }) {
  const bones = lines.map(([x1, y1, x2, y2]) =>
    element("svg:line", { x1: x1 * WIDE, y1: y1 * high, x2: x2 * WIDE, y2: y2 * high }));
  return [...bones,
    element("svg:circle", { class: "head", cx: head[0] * WIDE, cy: head[1] * high, r: head[2] * WIDE }),
    element("svg:circle", { class: "feet", cx: feet[0] * WIDE, cy: feet[1] * high }),
    element("svg:text", { x: feet[0] * WIDE + 14, y: feet[1] * high }, zone ?? "no zone")];
}

function drawPicture(left_s) {
  $("shown").textContent = left_s ? `People are shown for ${Math.ceil(left_s)} s more` : "";
  $("show").textContent = left_s ? "Hide the picture" : "Show the picture…";
  $("show").dataset.on = left_s ? "yes" : "";
  const href = `picture/${encodeURIComponent(camera())}.jpg?${Date.now()}`;
  $("picture").replaceChildren(...(left_s ? [element("svg:image", { width: WIDE, height: high, href })] : []));
}

async function poll() {
  try {
    const { status, said } = await ask(`live/${encodeURIComponent(camera())}`);
    if (status !== 200) throw new Error(status);
    drawLive(said);
  } catch {
    $("people").replaceChildren();
    drawPicture(0);
    say("This page has ended, or the box does not answer. Start `edge-agent setup` again and open its new address.");
  }
  setTimeout(poll, POLL_MS);
}

// The file.

function tell(found) {
  flaws = found;
  const elsewhere = found.filter(({ place }) => !KINDS.includes(place[0]) || place.length < 2);
  say(elsewhere.map(({ what, fix }) => `${what}. ${fix}`).join("\n") || "Not saved: see the fields.");
  if (draft()) drawAll();
  document.querySelector("[aria-invalid=true]")?.focus();
}

async function change(path, body, done) {
  const { status, said } = await ask(path, { version: site.version, ...body });
  if (status !== 200) return tell(said.flaws);
  take(said);
  say(`${done} The former file is ${said.previous}.
This page uses the new one now; a running agent takes it with: systemctl reload hingewatch-agent (or SIGHUP)`);
}

async function load() {
  say("");
  const { status, said } = await ask("site");
  return status === 200 ? take(said) : tell(said.flaws);
}

$("save").addEventListener("click", () => {
  const { zones, masks } = draft();
  change("save", { camera: camera(), floor: { zones, masks } }, "Saved.");
});
$("restore").addEventListener("click", () => change("restore", {}, "Restored."));
$("reload").addEventListener("click", load);
for (const [id, ...way] of [["undo", "past", "future"], ["redo", "future", "past"]])
  $(id).addEventListener("click", () => travel(...way));
for (const kind of KINDS) $(`add-${kind}`).addEventListener("click", ({ detail }) => add(kind, detail === 0));
$("camera").addEventListener("change", () => {
  [flaws, chosen, drawing] = [[], null, false];
  drawAll();
});
$("show").addEventListener("click", () => {
  if ($("show").dataset.on) ask("show", { camera: camera(), on: false });
  else $("ask").showModal();
});
$("yes").addEventListener("click", () => ask("show", { camera: camera(), on: true }));
for (const answer of ["yes", "no"]) $(answer).addEventListener("click", () => $("ask").close());
addEventListener("resize", drawFloor);
addEventListener("beforeunload", (event) => { if ([...drafts.values()].some(changed)) event.preventDefault(); });
document.addEventListener("keydown", (event) => {
  if (["Enter", "Escape"].includes(event.key) && drawing && !event.target.matches("button")) finish();
  const undo = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !event.target.matches("input");
  if (undo) travel(...(event.shiftKey ? ["future", "past"] : ["past", "future"]));
});

load().then(poll);
