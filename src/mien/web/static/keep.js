// @ts-check
// The brush: where it was, the photo stays as it was. What is painted is a mask, which the server keeps by its id; the
// id is part of the state, so that undo, redo and a reload bring it back.
import * as api from "./api.js";
import * as stage from "./stage.js";
import * as state from "./state.js";
import { effect, signal, untracked } from "./vendor/signals-core.js";
import { html, Icon, IconButton } from "./view.js";
import { t } from "./words.js";

const SIDE = 1024; // pixels of a mask's longer side
const SIZES = [0.01, 0.25]; // of the brush: its width, as a share of that side
const SOFT = 0.2; // of a brush's width, around it, in which the photo goes over into the edit
const STEP = 0.5; // of its width that an arrow moves it

export const brushing = signal(false);
const size = signal(0.08);
const erasing = signal(false);
const at = signal(/** @type {[number, number] | null} */ (null)); // of the brush, in pixels of the mask

const mask = document.createElement("canvas"), on = /** @type {CanvasRenderingContext2D} */ (mask.getContext("2d", { willReadFrequently: true }));
const before = document.createElement("canvas"); // the mask without the stroke that is held
/** @type {[number, number][] | null} */
let stroke = null;
let shown = ""; // the id of the mask that is there
let saved = Promise.resolve(); // strokes are kept one after the other

const canPaint = () => state.screen.value === "edit" && state.medium.value?.kind === "photo" && state.faceable.value;
export const toggle = () => (brushing.value = canPaint() && !brushing.value);
/** @param {number} by */
export const grow = (by) => (size.value = Math.min(Math.max(size.value * by, SIZES[0]), SIZES[1]));

effect(() => {
  stage.veiled.value = brushing.value && canPaint();
});
effect(() => {
  const id = state.now.value.keep ?? "", of = state.medium.value;
  if (stage.painterReady.value && of?.kind === "photo") untracked(() => bring(id, of.preview));
});

/** The mask of a state takes the place of what is there. @param {string} id @param {[number, number]} preview */
async function bring(id, preview) {
  const scale = SIDE / Math.max(...preview), wide = Math.round(preview[0] * scale), high = Math.round(preview[1] * scale);
  if (id === shown && mask.width === wide && mask.height === high) return stage.keep(id ? mask : null);
  shown = id;
  const image = id ? await state.trying(async () => createImageBitmap(await (await api.call("GET", `/api/media/${id}?original=1`)).blob())) : null;
  if (shown !== id) return;
  [mask.width, mask.height] = [wide, high]; // which clears it
  fill();
  if (image) on.drawImage(image, 0, 0, wide, high);
  stage.keep(image ? mask : null);
}

function fill() {
  on.fillStyle = "#000";
  on.fillRect(0, 0, mask.width, mask.height);
}

/** A stroke over what was there before it: white or black, and softly beyond its edge. @param {[number, number][]} points */
function paint(points) {
  const width = size.value * SIDE, away = 4 * SIDE; // the shadow alone is seen of a line that is drawn elsewhere
  on.drawImage(before, 0, 0);
  on.save();
  on.lineCap = on.lineJoin = "round";
  on.strokeStyle = on.shadowColor = erasing.value ? "#000" : "#fff";
  for (const [blur, grown] of [[SOFT * width, 1 + SOFT], [0, 1]]) {
    on.lineWidth = width * grown;
    [on.shadowBlur, on.shadowOffsetX] = [blur, blur ? away : 0];
    const moved = blur ? -away : 0;
    on.beginPath();
    on.moveTo(points[0][0] + moved, points[0][1]);
    for (const [x, y] of points.length > 1 ? points : [...points, points[0]]) on.lineTo(x + moved, y);
    on.stroke();
  }
  on.restore();
  stage.keep(mask);
}

function begin() {
  [before.width, before.height] = [mask.width, mask.height];
  before.getContext("2d")?.drawImage(mask, 0, 0);
}

function end() {
  if (!stroke) return;
  stroke = null;
  keepIt();
}

/** What is painted becomes a state. */
function keepIt() {
  const of = state.current.value, picture = new Promise((/** @type {(blob: Blob) => void} */ resolve) => mask.toBlob((blob) => resolve(/** @type {Blob} */ (blob)), "image/png"));
  const blank = !on.getImageData(0, 0, mask.width, mask.height).data.some((v, i) => i % 4 === 0 && v);
  saved = saved.then(async () => {
    await state.trying(async () => {
      const id = blank ? "" : (await api.post("/api/masks", await picture)).id;
      if (state.current.value !== of) return;
      const from = state.now.value;
      shown = id;
      state.commit({ ...from, keep: id }, from);
    });
  });
}

function clear() {
  fill();
  stage.keep(null);
  keepIt();
}

// ---- on the picture

/** Where a pointer is, in pixels of the mask. @param {PointerEvent} event @returns {[number, number]} */
function place(event) {
  const { x, y, scale } = stage.placed.value, [wide] = state.medium.value?.preview ?? [1];
  return [((event.offsetX - x) / scale) * (mask.width / wide), ((event.offsetY - y) / scale) * (mask.width / wide)];
}

/** One finger paints, two move the picture. @param {PointerEvent} event */
function down(event) {
  if (event.button > 0) return;
  const second = stroke || !event.isPrimary;
  stage.down(event);
  if (second) {
    if (stroke) on.drawImage(before, 0, 0);
    stroke = null;
    return stage.keep(mask);
  }
  begin();
  paint((stroke = [(at.value = place(event))]));
}
/** @param {PointerEvent} event */
function moved(event) {
  at.value = place(event);
  if (!stroke) return stage.moved(event);
  stroke.push(at.value);
  paint(stroke);
}
/** @param {PointerEvent} event */
function up(event) {
  stage.up(event);
  end();
}

/** Arrows move the brush, space paints. @param {KeyboardEvent} event */
function key(event) {
  const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (!way && event.key !== " ") return;
  event.preventDefault();
  event.stopPropagation();
  const [x, y] = at.value ?? [mask.width / 2, mask.height / 2], far = STEP * size.value * SIDE;
  if (way) at.value = [Math.min(Math.max(x + way[0] * far, 0), mask.width), Math.min(Math.max(y + way[1] * far, 0), mask.height)];
  else {
    begin();
    paint((stroke = [(at.value = [x, y])]));
    end();
  }
}

const Round = () => {
  const { x, y, scale } = stage.placed.value, one = (scale * (state.medium.value?.preview[0] ?? 1)) / Math.max(mask.width, 1);
  const [left, top] = at.value ?? [-SIDE, -SIDE];
  return html`<i class="round" style=${{ left: `${x + left * one}px`, top: `${y + top * one}px`, width: `${size.value * SIDE * one}px` }}></i>`;
};

/** The brush over the picture, and what it is set by. */
export const Brush = () => {
  if (!canPaint()) return null;
  if (!brushing.value) return html`<div class="tools brush"><${IconButton} icon="keep" says=${t("keep-brush")} keys="B" aria-pressed=${false} onClick=${toggle} />${state.now.value.keep && html`<i class="dot" aria-label=${t("is-set")}></i>`}</div>`;
  return html`<div class="painting" tabindex="0" role="application" aria-label=${t("keep-here")} onPointerDown=${down} onPointerMove=${moved} onPointerUp=${up} onPointerCancel=${up}
      onPointerLeave=${() => (at.value = null)} onKeyDown=${key} onWheel=${(/** @type {WheelEvent} */ e) => stage.zoomBy(Math.exp(-e.deltaY / 400), e.offsetX, e.offsetY)}><${Round} /></div>
    <div class="tools brush" role="toolbar" aria-label=${t("keep-brush")}>
      <${IconButton} icon="keep" says=${t("keep-paint")} aria-pressed=${!erasing.value} onClick=${() => (erasing.value = false)} />
      <${IconButton} icon="eraser" says=${t("keep-erase")} aria-pressed=${erasing.value} onClick=${() => (erasing.value = true)} />
      <input type="range" min=${Math.log(SIZES[0])} max=${Math.log(SIZES[1])} step="0.05" value=${Math.log(size.value)} aria-label=${t("keep-size")} title=${`${t("keep-size")} ([ ])`}
        onInput=${(/** @type {any} */ e) => (size.value = Math.exp(Number(e.target.value)))} />
      <${IconButton} icon="bin" says=${t("keep-clear")} disabled=${!state.now.value.keep} onClick=${clear} />
      <button type="button" class="plain" onClick=${toggle}><${Icon} name="check" />${t("keep-done")}</button>
    </div>
    <p class="badge">${t("keep-lead")}</p>`;
};
