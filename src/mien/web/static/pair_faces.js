// @ts-check
// The faces of two people, the least alike first: who is somebody else is left out by a click. The machine has proposed
// whom it takes for one.
import * as api from "./api.js";
import { each } from "./bring.js";
import * as state from "./state.js";
import { signal } from "./vendor/signals-core.js";
import { html, Icon } from "./view.js";
import { t } from "./words.js";

const FEW = 20; // faces that are shown at first
const faces = signal(/** @type {Record<string, {likeness: number, out: boolean}[]>} */ ({})); // by the address of a side's faces
const whole = signal(/** @type {string[]} */ ([])); // sides of which all are shown

/** @param {any} pair @param {any} side */
const address = (pair, { side }) => `/api/pairs/${pair.id}/${side}/faces`;

const asked = new Set();
/** @param {string} at @param {number} count that there are by now */
function load(at, count) {
  if (asked.has(`${at} ${count}`)) return;
  asked.add(`${at} ${count}`);
  state.trying(async () => {
    const found = await api.get(at);
    faces.value = { ...faces.value, [at]: found };
  });
}

/** Leave a face out, or take it back. @param {string} at @param {number} n */
async function turn(at, n) {
  const now = faces.value[at].map((one, i) => (i === n ? { ...one, out: !one.out } : one));
  faces.value = { ...faces.value, [at]: now };
  await state.trying(() => api.call("PUT", at, { out: now.flatMap((one, i) => (one.out ? [i] : [])) }));
}

/** More clips and photos, whose faces a job looks for. @param {any} pair @param {any} side @param {File[]} files */
const add = (pair, side, files) =>
  state.working(async () => {
    const media = /** @type {string[]} */ ([]);
    await each(files, async (file) => media.push((await api.upload(file)).id));
    if (!media.length) return;
    await api.post(`/api/pairs/${pair.id}/${side.side}/media`, { media });
    for (const id of media) await api.call("DELETE", `/api/media/${id}`);
    state.jobs.value = await api.get("/api/jobs");
  });

const Side = (/** @type {any} */ { pair, side }) => {
  const at = address(pair, side), all = faces.value[at];
  if (all?.length !== side.faces) load(at, side.faces);
  if (!all) return null;
  const order = all.map((one, n) => ({ ...one, n })).sort((a, b) => a.likeness - b.likeness);
  const shown = whole.value.includes(at) ? order : order.slice(0, FEW);
  const out = all.filter((one) => one.out).length;
  return html`<div class="side"><h3>${side.name}<span>${t("pair-counts", { n: all.length - out, out })}</span></h3>
    <div class="nobodies few">${shown.map(({ n, likeness, out }) => html`<button type="button" key=${n} class=${out ? "out" : ""} aria-pressed=${!out} aria-label=${t("pair-face", { n: n + 1, likeness: Math.round(100 * likeness) })} onClick=${() => turn(at, n)}>
      <img src=${`${at}/${n}`} alt="" loading="lazy" width="96" height="96" /><span>${Math.round(100 * likeness)}</span></button>`)}</div>
    <div class="row">${shown.length < order.length && html`<button type="button" class="plain" onClick=${() => (whole.value = [...whole.value, at])}>${t("pair-show-all", { n: order.length })}</button>`}
      <label class="plain"><input type="file" accept="image/*,video/*,.heic,.avif" multiple aria-label=${t("pair-more", { name: side.name })} onChange=${(/** @type {any} */ e) => { add(pair, side, [...e.target.files]); e.target.value = ""; }} /><${Icon} name="open" />${t("pair-more-short")}</label></div>
  </div>`;
};

export const Faces = (/** @type {any} */ { pair }) =>
  html`<p>${t("pair-faces-lead")}</p>
    <div class="sides">${pair.sides.map((/** @type {any} */ side) => html`<${Side} key=${side.side} pair=${pair} side=${side} />`)}</div>`;
