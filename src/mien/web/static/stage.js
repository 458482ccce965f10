// @ts-check
// The picture in the middle: zoom, pan, before and after, rings on faces; what is drawn when a slider is held and when
// it is let go.
import * as api from "./api.js";
import { noted } from "./errors.js";
import { arm, endOf, only, shareOf } from "./gesture.js";
import { Painter } from "./painter.js";
import * as state from "./state.js";
import { effect, signal, untracked } from "./vendor/signals-core.js";
import { html, Icon, IconButton } from "./view.js";
import { t } from "./words.js";

const NEAREST = 8; // times that a pixel is shown
const REST = 250; // ms after the last move in which what is seen gets all its pixels
const FINEST = 4096; // pixels of a side that are asked for
const VEIL = 0.5; // how much of it covers what is kept
const EDGE = 24; // CSS pixels around a picture that fits

export const split = signal(/** @type {number | null} */ (null)); // where "before" ends, as a share of the width
export const holding = signal(false); // the original is shown
export const veiled = signal(false); // what is kept can be seen
export const zoom = signal(1); // device pixels on a pixel of the photo
export const placed = signal({ x: 0, y: 0, scale: 1 }); // of the view, in CSS pixels
const hovered = signal("");

/** @type {Painter | null} */
let painter = null;
let view = { x: 0, y: 0, scale: 1 };
let fitted = true;
let asked = 0; // the newest picture that was asked for
/** @type {any} */
let held = null; // the arm of the slider that is held
export const frames = /** @type {number[]} */ ([]); // when frames of a gesture were drawn: for measurements

// ---- drawing

let waiting = false;
function draw() {
  if (waiting) return;
  waiting = true; // however many events come, one drawing a frame
  requestAnimationFrame((time) => {
    waiting = false;
    if (!painter) return;
    const ratio = painter.canvas.width / Math.max(painter.canvas.clientWidth, 1);
    const share = untracked(() => (holding.value ? 1 : split.value ?? 0));
    painter.split = share * painter.canvas.width;
    painter.veil = untracked(() => (veiled.value && !holding.value ? VEIL : 0));
    painter.view = { x: view.x, y: view.y, scale: view.scale };
    const tone = getComputedStyle(painter.canvas).backgroundColor.match(/[\d.]+/g) ?? ["0", "0", "0"];
    painter.ground = /** @type {any} */ (tone.slice(0, 3).map((v) => Number(v) / 255));
    painter.draw();
    if (painter.live) frames.push(time);
    placed.value = { x: -view.x / view.scale / ratio, y: -view.y / view.scale / ratio, scale: 1 / view.scale / ratio };
    zoom.value = 1 / view.scale / finer();
    clearTimeout(resting);
    resting = setTimeout(sharpen, REST);
  });
}

/** A slider is held: draw what it shows. @param {any} edit @param {any} value */
export function follow(edit, value) {
  if (!painter) return;
  const current = state.now.value;
  held = arm(state.source.value, current, edit, endOf(edit, value));
  only(held);
  const share = shareOf(edit, value);
  const mine = held;
  held.listen = () => {
    if (held !== mine || !painter) return;
    painter.setKeys(held.keys);
    painter.live = held.keys.length > 0;
    draw();
  };
  painter.share = share * state.shareHere(current);
  held.listen();
}

/** The slider was let go: its exact picture comes with the state. */
export const letGo = () => {
  held = null;
};

effect(() => {
  const id = state.source.value, shown = state.now.value, live = state.screen.value === "live"; // which hides the stage
  if (id && painterReady.value && !live) untracked(() => refresh(id, shown));
});

/** @param {string} id @param {any} shown */
async function refresh(id, shown) {
  const mine = ++asked;
  leaving.abort(); // what was asked for before is not wanted any more
  leaving = new AbortController();
  if (held) return; // what is held is drawn from its Changes
  if (shownOf !== id) await opened(id, mine);
  if (mine !== asked || !painter) return;
  if (state.untouched(shown)) {
    result = "";
    return settle(null, mine);
  }
  await state.working(async () => {
    const done = await state.exact(id, shown, leaving.signal).catch((error) => {
      const away = state.medium.value?.kind === "clip" && error.kind === "FaceError"; // not everybody is in every frame
      if (mine === asked && !away) throw error;
      return null;
    });
    if (mine !== asked) return;
    if (!done) return settle(null, mine);
    const { id: made, notes } = done;
    const image = await api.bitmap(made);
    result = made;
    settle(image, mine);
    if (notes.length) state.tell(notes.map(noted).join(" "));
  });
}

let leaving = new AbortController();
let shownOf = "";
let baseOf = "";
let fittedTo = ""; // the picture or the clip for whose sake the view is where it is
/** Another picture is opened. @param {string} id @param {number} mine */
async function opened(id, mine) {
  await state.working(async () => {
    const image = await api.bitmap(id).catch((error) => {
      if (mine === asked) throw error; // else it was a frame that nobody looks at any more
    });
    if (mine !== asked || !painter || !image) return;
    const medium = state.medium.value;
    shownOf = baseOf = id;
    sharp = {};
    result = "";
    painter.size = medium?.preview ?? [image.width, image.height];
    painter.setKeys([]);
    painter.live = false;
    painter.put("base", image);
    painter.put("before", image);
    painter.put("after", null);
    if (fittedTo !== medium?.id) fit();
    fittedTo = medium?.id ?? "";
    draw();
  });
}

/** The exact picture takes the place of the drawn one. @param {ImageBitmap | null} image @param {number} mine */
function settle(image, mine) {
  if (mine !== asked || !painter) return;
  sharp = { before: sharp.before };
  painter.put("after", image ?? (sharp.before ? painter.sources.before : null));
  painter.live = false;
  draw();
  rebase();
}

/** Sliders work at what a swap has made, if there is one. */
async function rebase() {
  const id = state.source.value;
  const wanted = await state.base(id, state.now.value).catch(() => id);
  if (wanted === baseOf || shownOf !== id || !painter) return;
  const image = await api.bitmap(wanted).catch(() => null);
  if (!image || shownOf !== state.source.value || !painter) return;
  baseOf = wanted;
  painter.put("base", image);
}

// ---- all pixels, where one looks closely

let resting = 0;
let result = ""; // whose picture is shown after; empty where it is the photo itself
/** @type {Record<string, string>} */
let sharp = {}; // of which pictures all pixels are there

/** Pixels of the photo on one of its preview. */
const finer = () => (state.medium.value ? state.medium.value.size[0] / state.medium.value.preview[0] : 1);

async function sharpen() {
  if (!painter || painter.live || held || finer() < 1.05 || view.scale > 0.9) return;
  for (const [name, id] of [["before", shownOf], ["after", result]]) {
    if (!id || sharp[name] === id) continue;
    sharp[name] = id;
    const image = await api.bitmap(id, FINEST).catch(() => null);
    if (!image || sharp[name] !== id || (name === "after" ? result : shownOf) !== id) continue;
    painter.put(name, image);
    if (name === "before" && !result) painter.put("after", image);
    draw();
  }
}

// ---- where one looks

function extent() {
  const canvas = /** @type {Painter} */ (painter).canvas, [w, h] = /** @type {Painter} */ (painter).size;
  const ratio = canvas.width / Math.max(canvas.clientWidth, 1);
  return { width: canvas.width, height: canvas.height, w, h, ratio, edge: Math.min(EDGE * ratio, canvas.width * 0.03) };
}

export function fit() {
  if (!painter) return;
  const { width, height, w, h, edge } = extent();
  const scale = Math.max(w / (width - 2 * edge), h / (height - 2 * edge), 1 / NEAREST / finer());
  view = { scale, x: (w - width * scale) / 2, y: (h - height * scale) / 2 };
  fitted = true;
  draw();
}

/** Nearer or farther, around a place on the canvas (CSS pixels). @param {number} factor @param {number} [cx] @param {number} [cy] */
export function zoomBy(factor, cx, cy) {
  if (!painter) return;
  const { width, height, w, h, ratio, edge } = extent();
  const least = Math.max(w / (width - 2 * edge), h / (height - 2 * edge), 1 / NEAREST / finer());
  const scale = Math.min(Math.max(view.scale / factor, 1 / NEAREST / finer()), least);
  const x = (cx ?? width / ratio / 2) * ratio, y = (cy ?? height / ratio / 2) * ratio;
  view = { scale, x: view.x + x * (view.scale - scale), y: view.y + y * (view.scale - scale) };
  fitted = scale >= least - 1e-9;
  if (fitted) return fit();
  keepInside();
  draw();
}

function keepInside() {
  const { width, height, w, h } = extent();
  const clamp = (/** @type {number} */ at, /** @type {number} */ all, /** @type {number} */ seen) =>
    seen >= all ? (all - seen) / 2 : Math.min(Math.max(at, 0), all - seen);
  view.x = clamp(view.x, w, width * view.scale);
  view.y = clamp(view.y, h, height * view.scale);
}

/** @param {number} dx @param {number} dy in CSS pixels */
function pan(dx, dy) {
  const { ratio } = extent();
  view = { ...view, x: view.x - dx * ratio * view.scale, y: view.y - dy * ratio * view.scale };
  keepInside();
  draw();
}

const pointers = new Map();
/** @param {PointerEvent} event */
export function down(event) {
  if (event.button > 0) return;
  /** @type {HTMLElement} */ (event.currentTarget).setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
}
/** @param {PointerEvent} event */
export function moved(event) {
  const before = pointers.get(event.pointerId);
  if (!before) return;
  const here = [event.offsetX, event.offsetY];
  if (pointers.size === 2) {
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    const apart = (/** @type {number[]} */ one) => Math.hypot(one[0] - other[0], one[1] - other[1]);
    zoomBy(apart(here) / Math.max(apart(before), 1), (here[0] + other[0]) / 2, (here[1] + other[1]) / 2);
  }
  pan((here[0] - before[0]) / pointers.size, (here[1] - before[1]) / pointers.size);
  pointers.set(event.pointerId, here);
}
/** @param {PointerEvent} event */
export const up = (event) => pointers.delete(event.pointerId);

// ---- the part of the page

export const painterReady = signal(false);
export const unsupported = signal(false);

/** @param {HTMLCanvasElement | null} canvas */
function mount(canvas) {
  if (!canvas || painter) return;
  try {
    painter = new Painter(canvas);
  } catch {
    unsupported.value = true;
    return;
  }
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomBy(Math.exp(-event.deltaY / 400), event.offsetX, event.offsetY);
  }, { passive: false });
  new ResizeObserver(([entry]) => {
    if (!painter) return;
    const exact = entry.devicePixelContentBoxSize?.[0];
    const size = [exact?.inlineSize ?? canvas.clientWidth * devicePixelRatio, exact?.blockSize ?? canvas.clientHeight * devicePixelRatio];
    [canvas.width, canvas.height] = size.map((v) => Math.max(Math.round(v), 1));
    if (fitted) fit();
    else keepInside();
    draw();
  }).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  Object.assign(globalThis, { studio: { painter, frames, state } }); // what tests and benchmarks look at
  painterReady.value = true;
}

effect(() => {
  holding.value;
  split.value;
  veiled.value;
  draw();
});

/** What is kept, by its mask; null where that is nothing. @param {HTMLCanvasElement | null} mask */
export function keep(mask) {
  painter?.put("keep", mask);
  draw();
}

/** A ring on each face, which chooses it. */
const Rings = () => {
  const { x, y, scale } = placed.value, medium = state.medium.value;
  const faces = medium?.faces ?? [];
  if (faces.length < 2 || medium?.kind === "clip") return null; // of a clip people are chosen by their lanes
  const chosen = state.now.value.request.face;
  return html`<div class="rings" role="group" aria-label=${t("faces")}>
    ${faces.map(({ face, box: [l, top, r, b] }) => {
      const grow = (r - l) * 0.12;
      const place = { left: `${x + (l - grow) * scale}px`, top: `${y + (top - grow) * scale}px`, width: `${(r - l + 2 * grow) * scale}px`, height: `${(b - top + 2 * grow) * scale}px` };
      return html`<button type="button" class=${`ring ${chosen === face ? "chosen" : ""} ${hovered.value === face ? "over" : ""}`} style=${place}
        aria-pressed=${chosen === face} aria-label=${t("face-n", { n: face })} data-face=${face}
        onPointerEnter=${() => (hovered.value = face)} onPointerLeave=${() => (hovered.value = "")}
        onClick=${() => chooseFace(face)} onDragOver=${(/** @type {any} */ e) => e.preventDefault()}
        onDrop=${(/** @type {any} */ e) => dropped(e, face)}><span>${face}</span></button>`;
    })}
  </div>`;
};

/** @param {string} face */
export function chooseFace(face) {
  const before = state.now.value;
  const request = { ...before.request };
  if (request.face === face || face === "all") delete request.face;
  else request.face = face;
  state.commit({ ...before, request }, before);
}

/** What happens when somebody is dropped on a face: told by the screen that is there. @type {{person: ((id: string, face: string) => void) | null}} */
export const onDrop = { person: null };
/** @param {DragEvent} event @param {string} face */
function dropped(event, face) {
  const person = event.dataTransfer?.getData("text/mien-person");
  if (!person || !onDrop.person) return;
  event.preventDefault();
  event.stopPropagation();
  onDrop.person(person, face);
}

const Handle = () =>
  html`<div class="handle" style=${{ "--at": split.value }}>
    <input type="range" min="0" max="1" step="0.005" value=${split.value} aria-label=${t("compare")} onInput=${(/** @type {any} */ e) => (split.value = Number(e.target.value))} />
    <span class="says before">${t("before")}</span><span class="says after">${t("after")}</span>
    <span class="line"><span class="knob"><${Icon} name="drag" /></span></span>
  </div>`;

export const Stage = (/** @type {any} */ { children }) =>
  html`<div class="stage">
    <canvas ref=${mount} tabindex="0" role="img" aria-label=${t("picture", { name: state.medium.value?.name ?? "", n: state.medium.value?.faces.length ?? 0 })}
      onPointerDown=${down} onPointerMove=${moved} onPointerUp=${up} onPointerCancel=${up}
      onDblClick=${() => (fitted ? zoomBy(view.scale) : fit())}></canvas>
    ${unsupported.value && html`<p class="empty">${t("no-webgl")}</p>`}
    ${!holding.value && html`<${Rings} />`}
    ${split.value !== null && html`<${Handle} />`}
    ${holding.value && html`<span class="badge">${t("original")}</span>`}
    ${children}
    <div class="tools">
      <span class="zoom">${Math.round(zoom.value * 100)} %</span>
      <${IconButton} icon="out" says=${t("zoom-out")} keys="−" onClick=${() => zoomBy(1 / 1.5)} />
      <${IconButton} icon="in" says=${t("zoom-in")} keys="+" onClick=${() => zoomBy(1.5)} />
      <${IconButton} icon="fit" says=${t("zoom-fit")} keys="0" onClick=${fit} />
    </div>
  </div>`;
