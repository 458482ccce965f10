// @ts-check
// Strength over time: how much of the edits a clip shows when, as a line through keys that can be pulled.
import * as state from "./state.js";
import { signal } from "./vendor/signals-core.js";
import { html, IconButton } from "./view.js";
import { t } from "./words.js";

/** @typedef {[number, number]} Key - seconds and a share of 0..1 */
/** @typedef {{seconds: number, fps: number, at: number, seek: (time: number) => void, clock: (time: number) => string}} Film */
const STEP = 0.05; // of an arrow, and of a pointer
const LABEL = 0.08; // of the line: where its words stand, below it where it is high
const TOGGLE = "key-of-strength"; // the id of the button

const pulled = signal(/** @type {Key[] | null} */ (null)); // while a key is held

/** @returns {Key[]} */
const keys = () => pulled.value ?? state.now.value.request.keys ?? [];
/** @param {Key[]} wanted */
function put(wanted) {
  const from = state.now.value, request = state.without(from.request, ["keys"]);
  state.commit({ ...from, request: wanted.length ? { ...request, keys: wanted } : request }, from);
}

/** @param {number} low @param {number} value @param {number} high */
const within = (low, value, high) => Number(Math.min(Math.max(value, low), high).toFixed(3));

/** The keys with one of them elsewhere, between its neighbours. @param {number} i @param {number} time @param {number} share @param {Film} film @returns {Key[]} */
function moved(i, time, share, { seconds, fps }) {
  const all = keys(), low = i ? all[i - 1][0] + 1 / fps : 0, high = i + 1 < all.length ? all[i + 1][0] - 1 / fps : seconds;
  return all.map((key, k) => (k === i ? [within(low, time, high), within(0, share, 1)] : key));
}

/** The key at a moment, or -1. @param {number} time @param {number} fps */
const indexAt = (time, fps) => keys().findIndex(([at]) => Math.abs(at - time) < 0.5 / fps);
/** @param {number} i */
const drop = (i) => put(keys().filter((_, k) => k !== i));
/** A key more; one that is there goes to the share. @param {number} time @param {number} share @param {Film} film */
function add(time, share, film) {
  const i = indexAt(time, film.fps), key = /** @type {Key} */ ([within(0, time, film.seconds), within(0, share, 1)]);
  put(i < 0 ? [...keys(), key].sort((a, b) => a[0] - b[0]) : moved(i, time, share, film));
}

/** A key where one looks, with the strength that is there, or none any more. @param {Film} film */
export function toggle(film) {
  const i = indexAt(film.at, film.fps);
  if (i < 0) add(film.at, state.shareAt(keys(), film.at), film);
  else drop(i);
}

/** Where a pointer is on the line, in whole steps of strength. @param {PointerEvent} event @param {Film} film @returns {Key} */
function placeOf(event, { seconds }) {
  const box = /** @type {Element} */ (/** @type {Element} */ (event.currentTarget).closest(".plot")).getBoundingClientRect();
  return [(seconds * (event.clientX - box.left)) / box.width, STEP * Math.round((1 - (event.clientY - box.top) / box.height) / STEP)];
}

const Handle = (/** @type {{i: number, film: Film}} */ { i, film }) => {
  const [time, share] = keys()[i], { seconds, fps, clock, seek } = film;
  const says = t("clip-key-at", { n: Math.round(100 * share), time: clock(time) });
  /** @param {PointerEvent} event */
  const pull = (event) => {
    const [to, much] = placeOf(event, film);
    pulled.value = moved(i, to, much, film);
    seek(pulled.value[i][0]);
  };
  const letGo = () => {
    const wanted = pulled.value;
    pulled.value = null;
    if (wanted) put(wanted);
  };
  /** @param {KeyboardEvent} event */
  const press = (event) => {
    const [along, up] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] ?? [0, 0];
    const away = ["Delete", "Backspace"].includes(event.key);
    if (!along && !up && !away) return;
    event.preventDefault();
    event.stopPropagation(); // elsewhere arrows choose another photo
    if (away) {
      document.getElementById(TOGGLE)?.focus();
      return drop(i);
    }
    const wanted = moved(i, time + along / fps, share + up * STEP, film);
    put(wanted);
    seek(wanted[i][0]);
  };
  return html`<i role="slider" tabindex="0" class="key" title=${`${says}. ${t("clip-key-how")}`} style=${{ left: `${(100 * time) / seconds}%`, bottom: `${100 * share}%` }}
    aria-label=${t("clip-key", { n: i + 1 })} aria-valuemin="0" aria-valuemax="100" aria-valuenow=${Math.round(100 * share)} aria-valuetext=${says}
    onPointerDown=${(/** @type {any} */ e) => { e.target.setPointerCapture(e.pointerId); pulled.value = keys(); seek(time); }} onPointerMove=${(/** @type {any} */ e) => pulled.value && pull(e)}
    onPointerUp=${letGo} onPointerCancel=${letGo} onKeyDown=${press}></i>`;
};

export const Strength = (/** @type {{film: Film}} */ { film }) => {
  const all = keys(), { seconds, fps, at } = film, here = indexAt(at, fps) >= 0;
  const line = [[0, all[0]?.[1] ?? 1], ...all, [seconds, all[all.length - 1]?.[1] ?? 1]].map(([time, share]) => `${(100 * time) / seconds},${100 * (1 - share)}`).join(" ");
  const says = all.length ? t("clip-strength-here", { n: Math.round(100 * state.shareAt(all, at)) }) : t("clip-strength-same");
  return html`<div class=${`strength ${all.length ? "set" : ""}`} role="group" aria-label=${t("clip-strength")}>
    <${IconButton} id=${TOGGLE} icon=${here ? "unkey" : "key"} says=${t(here ? "clip-key-drop" : "clip-key-add")} keys="K" onClick=${() => toggle(film)} />
    <div class=${`track ${state.shareAt(all, LABEL * seconds) > 0.5 ? "high" : ""}`}><span>${says}</span>
      <div class="plot" onClick=${(/** @type {any} */ e) => { if (e.target !== e.currentTarget) return; const [time, share] = placeOf(e, film); add(time, share, film); film.seek(time); }}>
        <svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true"><polygon points=${`0,100 ${line} 100,100`} /><polyline points=${line} /></svg>
        <i class="head" style=${{ left: `${(100 * at) / seconds}%` }}></i>
        ${all.map((_, i) => html`<${Handle} key=${i} i=${i} film=${film} />`)}
      </div></div>
  </div>`;
};
