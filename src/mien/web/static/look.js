// @ts-check
// Look around: nine versions of the face, younger to older and serious to laughing; one click takes one.
import * as api from "./api.js";
import * as state from "./state.js";
import { signal } from "./vendor/signals-core.js";
import { html, IconButton } from "./view.js";
import { t } from "./words.js";

const ACROSS = [-0.6, 0.15, 0.9]; // smile
const DOWN = [-15, 0, 30]; // years
const SIDE = 900; // pixels of a version

/** @type {any} */
export const around = signal(null); // the versions, and the state that they are of

/** A request with a smile and years instead of its own. @param {any} request @param {number} smile @param {number} age */
function version(request, smile, age) {
  const rest = { ...request };
  for (const name of ["smile", "age", "grin", "age_to"]) delete rest[name];
  return { ...rest, smile, ...(age ? { age } : {}) };
}

export async function lookAround() {
  const from = state.now.value, id = await state.base(state.source.value, from);
  const versions = DOWN.flatMap((age) => ACROSS.map((smile) => ({ request: version(from.request, smile, age), smile, age, id: "" })));
  const mine = (around.value = { from, versions });
  for (const one of versions) {
    if (around.value?.from !== mine.from) return;
    const made = await state.trying(() => api.post(`/api/media/${id}/render`, state.asked(from, one.request)));
    if (!made) return close();
    one.id = made.id;
    if (around.value?.from === mine.from) around.value = { ...around.value };
    else forget(versions);
  }
}

/** @param {any[]} versions */
const forget = (versions) => versions.filter(({ id }) => id).forEach(({ id }) => api.call("DELETE", `/api/media/${id}`).catch(() => {}));

function close() {
  if (around.value) forget(around.value.versions);
  around.value = null;
}

/** @param {any} one */
function take(one) {
  const { from } = around.value;
  close();
  state.commit({ ...from, request: one.request }, from);
}

/** The face that is shown, large, where the browser can cut a picture. */
function cut() {
  const { faces, preview } = /** @type {any} */ (state.medium.value);
  const box = (faces.find((/** @type {any} */ one) => one.face === state.now.value.request.face) ?? faces[0]).box;
  const [w, h] = [box[2] - box[0], box[3] - box[1]];
  const inset = [box[1] - 0.6 * h, preview[0] - box[2] - 0.6 * w, preview[1] - box[3] - 0.45 * h, box[0] - 0.6 * w];
  const shares = inset.map((v, i) => `${Math.max((100 * v) / preview[i % 2 ? 0 : 1], 0).toFixed(1)}%`);
  return { objectViewBox: `inset(${shares.join(" ")})` };
}

/** What a version is, in words. @param {any} one */
const named = (one) => `${t("edit.smile")} ${Math.round(one.smile * 100)}, ${t("edit.age")} ${one.age}`;

/** Keys go to what has opened. @param {HTMLElement | null} opened */
const focus = (opened) => opened?.focus();

export const Around = () =>
  around.value &&
  html`<div class="around" role="dialog" tabindex="-1" ref=${focus} aria-label=${t("look-around")} onKeyDown=${(/** @type {KeyboardEvent} */ e) => e.key === "Escape" && close()}>
    <header><h2>${t("look-around")}</h2><${IconButton} icon="close" says=${t("close")} onClick=${close} /></header>
    <div class="nine">${around.value.versions.map((/** @type {any} */ one) => html`<button type="button" aria-label=${named(one)} title=${named(one)} disabled=${!one.id} onClick=${() => take(one)}>
      ${one.id ? html`<img src=${`/api/media/${one.id}?w=${SIDE}`} alt="" style=${cut()} />` : html`<i class="coming"></i>`}</button>`)}</div>
  </div>`;
