// @ts-check
// Sketch: strokes on a sheet of paper, and the face that is drawn so, renewed at the end of each stroke.
import * as api from "./api.js";
import { asking } from "./asked.js";
import * as state from "./state.js";
import { getStroke } from "./vendor/perfect-freehand.js";
import { effect, signal } from "./vendor/signals-core.js";
import { html, Icon, IconButton } from "./view.js";
import { t } from "./words.js";

/** @typedef {{points: number[][], width: number, colour: string, mirrored: boolean, pen: boolean}} Stroke */
const SIDE = 512; // pixels of the paper
const WIDTHS = [4, 8, 16, 34]; // of a stroke, in pixels of the paper
const WHITE = "#ffffff";
// ink and hair, skin, lips and eyes
const COLOURS = /** @type {Record<string, string>} */ ({ black: "#1c1c1c", brown: "#5a3a22", auburn: "#8a472a", blond: "#d8b45a", grey: "#9a9a9a", "skin-light": "#f0c8a8", "skin-tan": "#c68a5e", "skin-dark": "#7a4a2c", red: "#b3142c", blue: "#3c6ea8", green: "#4f7550" });
const SIBLINGS = 6;
const KEPT = "sketch"; // in the tab, so that a reload loses nothing
const PORTRAIT = 1.9; // side of what is traced, over the height of the face

/** @type {{strokes: Stroke[], seed: number, asked: Record<string, any>}} */
const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null") ?? { strokes: [], seed: Math.floor(Math.random() * 2 ** 30), asked: {} };

const strokes = signal(kept.strokes);
const cleared = signal(/** @type {Stroke[]} */ ([])); // those of the paper before, until something is drawn
const undone = signal(/** @type {Stroke[]} */ ([]));
const held = signal(/** @type {Stroke | null} */ (null)); // the stroke that is being drawn
const pen = signal({ width: WIDTHS[1], colour: COLOURS.black, rubber: false, mirrored: false });
const sheet = signal(/** @type {ImageBitmap | null} */ (null)); // a drawing on paper, below the strokes
const traced = signal(/** @type {any} */ (null)); // a part of a photo that shines through, which is no part of the drawing
const seed = signal(kept.seed);
const faces = signal(/** @type {Map<number, string>} */ (new Map())); // looks at the face, by how many strokes there were
const siblings = signal(/** @type {{seed: number, url: string}[]} */ ([]));
const played = signal(/** @type {number | null} */ (null)); // strokes that are shown of a replay
const { asked, query, Asked } = asking("sketch", () => become(seed.value), kept.asked);

// ---- the paper

/** @type {HTMLCanvasElement | null} */
let board = null;
/** @type {HTMLCanvasElement | null} */
let below = null;

/** The outline of a stroke as a path. @param {Stroke} stroke */
function path(stroke) {
  const outline = getStroke(stroke.points, { size: stroke.width, thinning: 0.45, smoothing: 0.5, streamline: 0.35, simulatePressure: !stroke.pen });
  const made = new Path2D();
  outline.forEach(([x, y], i) => {
    const [nx, ny] = outline[(i + 1) % outline.length];
    if (i) made.quadraticCurveTo(x, y, (x + nx) / 2, (y + ny) / 2);
    else made.moveTo(x, y);
  });
  made.closePath();
  return made;
}

/** @param {CanvasRenderingContext2D} on @param {Stroke} stroke */
function ink(on, stroke) {
  on.fillStyle = stroke.colour;
  const drawn = path(stroke);
  on.fill(drawn);
  if (!stroke.mirrored) return;
  on.setTransform(-1, 0, 0, 1, SIDE, 0);
  on.fill(drawn);
  on.resetTransform();
}

function paint() {
  const all = strokes.value.slice(0, played.value ?? undefined), image = sheet.value, last = held.value;
  const on = board?.getContext("2d");
  if (!on) return;
  on.fillStyle = WHITE;
  on.fillRect(0, 0, SIDE, SIDE);
  if (image) {
    const scale = Math.min(SIDE / image.width, SIDE / image.height), w = image.width * scale, h = image.height * scale;
    on.drawImage(image, (SIDE - w) / 2, (SIDE - h) / 2, w, h);
  }
  for (const stroke of last ? [...all, last] : all) ink(on, stroke);
}
effect(paint);

/** The paper is there. @param {HTMLCanvasElement | null} one */
function spread(one) {
  board = one;
  paint();
  if (one && !faces.value.size) renew(); // as after a reload
}
/** @param {HTMLCanvasElement | null} one */
const underlay = (one) => (below = one);

effect(() => {
  const from = traced.value, on = below?.getContext("2d");
  on?.clearRect(0, 0, SIDE, SIDE);
  if (from) on?.drawImage(from.image, from.x, from.y, from.side, from.side, 0, 0, SIDE, SIDE);
});

/** @param {PointerEvent} event */
function point(event) {
  const { left, top, width, height } = /** @type {HTMLElement} */ (event.currentTarget).getBoundingClientRect();
  return [((event.clientX - left) / width) * SIDE, ((event.clientY - top) / height) * SIDE, event.pressure || 0.5];
}

/** @param {PointerEvent} event */
function begin(event) {
  if (event.button || played.value !== null) return;
  event.preventDefault();
  /** @type {HTMLElement} */ (event.currentTarget).setPointerCapture(event.pointerId);
  const { width, colour, rubber, mirrored } = pen.value;
  held.value = { points: [point(event)], width: rubber ? 2 * width : width, colour: rubber ? WHITE : colour, mirrored, pen: event.pointerType === "pen" };
}

/** @param {PointerEvent} event */
function go(event) {
  if (held.value) held.value = { ...held.value, points: [...held.value.points, point(event)] };
}

function end() {
  if (!held.value) return;
  const drawn = [...strokes.value, held.value];
  held.value = null;
  undone.value = cleared.value = [];
  put(drawn);
}

/** @param {Stroke[]} drawn */
function put(drawn) {
  strokes.value = drawn;
  part();
  renew();
}

effect(() => {
  const rounded = strokes.value.map((one) => ({ ...one, points: one.points.map((p) => p.map((v) => Math.round(v * 100) / 100)) }));
  sessionStorage.setItem(KEPT, JSON.stringify({ strokes: rounded, seed: seed.value, asked: asked.value }));
});
export function undo() {
  if (!strokes.value.length) {
    const before = cleared.value;
    cleared.value = [];
    return before.length ? put(before) : undefined;
  }
  const last = strokes.value[strokes.value.length - 1];
  if (!last) return;
  undone.value = [...undone.value, last];
  put(strokes.value.slice(0, -1));
}

export function redo() {
  const next = undone.value[undone.value.length - 1];
  if (!next) return;
  undone.value = undone.value.slice(0, -1);
  put([...strokes.value, next]);
}

export function clear() {
  cleared.value = strokes.value; // so that it can be brought back
  undone.value = [];
  sheet.value = null;
  put([]);
}

/** Nothing of it stays. */
export function forgetAll() {
  clear();
  cleared.value = [];
}

/** A drawing on paper, or a picture of one, takes the place of all. @param {File} file */
export const lay = (file) =>
  state.trying(async () => {
    const image = await createImageBitmap(file).catch(() => null);
    if (!image) return state.tell(t("sketch-no-picture", { name: file.name }), "error");
    sheet.value = image;
    undone.value = [];
    put([]);
  });

/** The face of the open photo shines through, or no longer. */
const trace = () =>
  state.trying(async () => {
    if (traced.value) return (traced.value = null);
    const { id, faces: found } = /** @type {any} */ (state.medium.value);
    const image = await api.bitmap(id), [x0, y0, x1, y1] = found[0]?.box ?? [0, 0, image.width, image.height];
    const side = found[0] ? PORTRAIT * (y1 - y0) : Math.max(image.width, image.height);
    traced.value = { image, side, x: (x0 + x1 - side) / 2, y: (y0 + y1 - side) / 2 - 0.06 * side };
  });

// ---- the face

const blank = () => !strokes.value.length && !sheet.value;
/** @returns {Promise<Blob>} */
const drawing = () => new Promise((resolve) => /** @type {any} */ (board).toBlob(resolve));

/** A look at the face of the drawing by a seed. @param {Blob} of @param {number} by @param {AbortSignal} signal */
const look = async (of, by, signal) => URL.createObjectURL(await (await api.call("POST", `/api/sketch?seed=${by}${query()}`, of, { signal })).blob());

/** @param {Map<number, string>} known */
function forget(known) {
  for (const url of known.values()) URL.revokeObjectURL(url);
  faces.value = new Map();
}

let going = new AbortController(); // what is being looked at: the newest wins
/** The face is drawn anew. */
async function renew() {
  going.abort();
  going = new AbortController();
  const { signal } = going;
  const count = strokes.value.length;
  if (blank()) return forget(faces.value);
  await state.working(async () => {
    const url = await look(await drawing(), seed.value, signal);
    if (signal.aborted) return URL.revokeObjectURL(url);
    faces.value = new Map([...faces.value, [count, url]]);
  });
}

/** Siblings of another drawing, or of somebody else, go. */
function part() {
  for (const { url } of siblings.value) URL.revokeObjectURL(url);
  siblings.value = [];
}

/** The same drawing as somebody else. @param {number} by */
function become(by) {
  if (!siblings.value.some((one) => one.seed === by)) part();
  seed.value = by;
  forget(faces.value);
  renew();
}

const meetSiblings = () =>
  state.working(async () => {
    const { signal } = going, of = await drawing();
    for (let by = seed.value + 1; by <= seed.value + SIBLINGS; by++) {
      const url = await look(of, by, signal);
      if (signal.aborted) return URL.revokeObjectURL(url);
      siblings.value = [...siblings.value, { seed: by, url }];
    }
  });

async function replay() {
  const pause = Math.min(500, 8000 / strokes.value.length);
  for (played.value = 0; played.value < strokes.value.length; played.value++) await new Promise((then) => setTimeout(then, pause));
  played.value = null;
}

/** The look at what is on the paper now, or before. */
function shown() {
  const count = played.value ?? strokes.value.length;
  const at = Math.max(-1, ...[...faces.value.keys()].filter((k) => k <= count));
  return faces.value.get(at) ?? "";
}

const taken = async () => (await (await api.call("POST", `/api/sketch/take?seed=${seed.value}${query()}`, await drawing())).json()).id;
const take = () => state.working(async () => state.workAt(await taken()));
export const save = () => state.working(async () => api.save(`/api/media/${await taken()}?original=1`));

// ---- the screen

const Tools = () => {
  const { width, colour, rubber, mirrored } = pen.value;
  const use = (/** @type {any} */ change) => (pen.value = { ...pen.value, ...change });
  return html`<div class="pens" role="toolbar" aria-label=${t("sketch-tools")}>
    <div class="nibs">
    <${IconButton} icon="pen" says=${t("pen")} aria-pressed=${!rubber} onClick=${() => use({ rubber: false })} />
    <${IconButton} icon="eraser" says=${t("eraser")} aria-pressed=${rubber} onClick=${() => use({ rubber: true })} />
    <i class="gap"></i>
    ${WIDTHS.map((one) => html`<button type="button" class="icon-button" aria-pressed=${one === width} aria-label=${t("pen-width", { n: one })} title=${t("pen-width", { n: one })} onClick=${() => use({ width: one })}><i class="nib" style=${{ "--nib": `${4 + one / 2}px` }}></i></button>`)}
    <i class="gap"></i>
    <${IconButton} icon="mirror" says=${t("sketch-mirror")} aria-pressed=${mirrored} onClick=${() => use({ mirrored: !mirrored })} />
    <${IconButton} icon="trace" says=${t("sketch-trace")} aria-pressed=${Boolean(traced.value)} disabled=${!state.medium.value} onClick=${trace} />
    <i class="gap"></i>
    <${IconButton} icon="undo" says=${t("undo")} keys="Ctrl+Z" disabled=${!strokes.value.length && !cleared.value.length} onClick=${undo} />
    <${IconButton} icon="redo" says=${t("redo")} keys="Ctrl+Shift+Z" disabled=${!undone.value.length} onClick=${redo} />
    <${IconButton} icon="play" says=${t("sketch-replay")} disabled=${!strokes.value.length || played.value !== null} onClick=${replay} />
    <${IconButton} icon="bin" says=${t("sketch-clear")} disabled=${blank()} onClick=${clear} />
    </div>
    <div class="inks" role="radiogroup" aria-label=${t("ink")}>${Object.entries(COLOURS).map(([name, one]) => html`<button type="button" role="radio" class="swatch" style=${{ "--colour": one }} aria-checked=${!rubber && one === colour} aria-label=${t(`colour.${name}`)} title=${t(`colour.${name}`)}
      onClick=${() => use({ colour: one, rubber: false })}>${!rubber && one === colour && html`<${Icon} name="check" />`}</button>`)}</div>
  </div>`;
};

export const Sketch = () => {
  const url = shown();
  return html`<main class="sheet wide drawing" id="main">
    <h1>${t("screen.sketch")}</h1>
    <p class="lead">${t("sketch-lead")}</p>
    <${Tools} />
    <div class="sketch">
      <div class="paper">
        <canvas class="below" width=${SIDE} height=${SIDE} aria-hidden="true" ref=${underlay}></canvas>
        <canvas class="board" width=${SIDE} height=${SIDE} role="img" aria-label=${t("sketch-paper")} ref=${spread}
          onPointerDown=${begin} onPointerMove=${go} onPointerUp=${end} onPointerCancel=${end}></canvas>
        ${blank() && !held.value && html`<p class="hint">${t("sketch-hint")}</p>`}
      </div>
      <div class=${`drawn ${state.busy.value ? "coming" : ""}`} role="img" aria-label=${t("sketch-face")}>${url && html`<img src=${url} alt="" width="256" height="256" />`}</div>
      <div class="row">
      <label class="plain"><input type="file" accept="image/*" onChange=${(/** @type {any} */ e) => { if (e.target.files[0]) lay(e.target.files[0]); e.target.value = ""; }} /><${Icon} name="open" />${t("sketch-open")}</label>
      <button type="button" class="plain" disabled=${blank()} onClick=${() => become(Math.floor(Math.random() * 2 ** 30))}><${Icon} name="dice" />${t("sketch-dice")}</button>
      <button type="button" class="plain" disabled=${blank()} onClick=${meetSiblings}><${Icon} name="people" />${t("sketch-siblings")}</button>
      <button type="button" class="plain" disabled=${!url} onClick=${save}><${Icon} name="save" />${t("save")}</button>
      <button type="button" class="main" disabled=${!url} onClick=${take}><${Icon} name="edit" />${t("sketch-take")}</button>
      </div>
      <div class="asked"><${Asked} of=${state.about.value?.sketch} /></div>
    </div>
    ${siblings.value.length > 0 && html`<div class="nobodies">${siblings.value.map((one, i) => html`<button type="button" key=${one.seed} aria-label=${t("sketch-sibling", { n: i + 1 })} onClick=${() => become(one.seed)}><img src=${one.url} alt="" width="256" height="256" /></button>`)}</div>`}
  </main>`;
};
