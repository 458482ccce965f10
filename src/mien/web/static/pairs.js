// @ts-check
// Train two people: who they are, their faces, the training, and what was learned put to use. The server knows how far each
// pair is; what takes long is a job.
import * as api from "./api.js";
import { each } from "./bring.js";
import * as jobs from "./jobs.js";
import { Faces } from "./pair_faces.js";
import { Training, Use } from "./pair_training.js";
import * as state from "./state.js";
import { Agreed, agreement } from "./swap.js";
import { effect, signal } from "./vendor/signals-core.js";
import { html, Icon, Twice } from "./view.js";
import { t } from "./words.js";

const SIDES = ["a", "b"];
const SOON = 1000; // ms within which news of jobs are gathered
const known = signal({ pairs: /** @type {any[]} */ ([]), presets: /** @type {any[]} */ ([]), lacks: "" });
const chosen = signal(""); // the pair that is shown; nothing: a new one
const coming = signal(/** @type {Record<string, any[]>} */ ({ a: [], b: [] })); // media of a new one
const opening = signal(0);

const load = () => state.trying(async () => (known.value = await api.get("/api/pairs")));
const pair = () => known.value.pairs.find((one) => one.id === chosen.value);
/** The newest job that does something for the pair. @param {string} verb */
const jobOf = (verb) => state.jobs.value.find((one) => one.verb === verb && one.arguments.pair === chosen.value);

effect(() => {
  if (state.screen.value === "pairs") load().then(() => (chosen.value ||= known.value.pairs[0]?.id ?? ""));
});
let heard = "", timer = 0;
effect(() => {
  const news = state.jobs.value.filter((one) => one.arguments.pair).map((one) => `${one.id} ${one.state} ${one.share}`).join();
  if (news === heard || state.screen.value !== "pairs") return;
  heard = news;
  timer ||= setTimeout(() => {
    timer = 0;
    load();
  }, SOON);
});

/** Clips and photos of one of the two; without saying of whom, of the first who has none. @param {File[]} files @param {string} [side]
 * @param {string[]} [besides] what else is to be said */
export async function bring(files, side = coming.value.a.length ? "b" : "a", besides = []) {
  if (pair()) return state.tell(t("pair-new-first"));
  opening.value += files.length;
  await each(files, async (file) => {
    const told = await api.upload(file).finally(() => opening.value--);
    coming.value = { ...coming.value, [side]: [...coming.value[side], told] };
  }, () => besides);
}

/** @param {string} side @param {string} id */
function drop(side, id) {
  coming.value = { ...coming.value, [side]: coming.value[side].filter((one) => one.id !== id) };
  state.trying(() => api.call("DELETE", `/api/media/${id}`));
}

/** @param {SubmitEvent} event */
async function begin(event) {
  event.preventDefault();
  const form = /** @type {any} */ (event.target).elements;
  const media = SIDES.map((side) => coming.value[side].map((one) => one.id));
  const people = SIDES.map((side, i) => ({ name: form[side].value.trim(), media: media[i] }));
  await state.working(async () => {
    const made = await api.post("/api/pairs", { people, consent: agreement(form) });
    for (const id of media.flat()) await api.call("DELETE", `/api/media/${id}`).catch(() => {});
    coming.value = { a: [], b: [] };
    state.jobs.value = await api.get("/api/jobs");
    await load();
    chosen.value = made.id;
  });
}

/** @param {string} id */
async function forget(id) {
  await state.trying(() => api.call("DELETE", `/api/pairs/${id}`));
  await load();
  chosen.value = known.value.pairs[0]?.id ?? "";
}

const Files = (/** @type {any} */ { side }) =>
  html`<fieldset class="card side" data-side=${side}>
    <legend>${t(`pair-person.${side}`)}</legend>
    <label class="field">${t("name")}<input name=${side} required maxlength="80" autocomplete="off" /></label>
    <label class="drop-here"><input type="file" accept="image/*,video/*,.heic,.avif" multiple aria-label=${t(`pair-files.${side}`)} onChange=${(/** @type {any} */ e) => { bring([...e.target.files], side); e.target.value = ""; }} /><${Icon} name="open" /><span>${t("pair-drop")}</span></label>
    ${coming.value[side].length > 0 && html`<div class="files">${coming.value[side].map((one) => html`<div class="thumb" key=${one.id}><img src=${`/api/media/${one.id}?w=192`} alt=${one.name} title=${one.name} />${one.kind === "clip" && html`<${Icon} name="film" />`}
      <button type="button" class="drop" aria-label=${t("forget-name", { name: one.name })} onClick=${() => drop(side, one.id)}><${Icon} name="close" /></button></div>`)}</div>`}
  </fieldset>`;

const New = () => {
  return html`<form onSubmit=${begin}>
    <p>${t("pair-files-lead")}</p>
    <div class="sides">${SIDES.map((side) => html`<${Files} key=${side} side=${side} />`)}</div>
    <div class="card"><${Agreed} /></div>
    <button class="main" disabled=${opening.value > 0 || state.busy.value > 0}><${Icon} name="faces" />${opening.value ? t("opening") : t("pair-find")}</button>
  </form>`;
};

const Shown = (/** @type {any} */ { one }) => {
  const finding = jobOf("extract"), found = one.sides.every((/** @type {any} */ side) => side.faces);
  return html`<section><h2>${t("pair-faces")}</h2>
      ${finding && !(found && finding.state === "done") && html`<${jobs.Job} job=${finding} whole=${true} />`}
      ${!found && !finding && html`<p class="note"><${Icon} name="alert" />${t("pair-not-found")}</p>`}
      ${found && html`<${Faces} pair=${one} />`}</section>
    ${found && html`<${Training} pair=${one} presets=${known.value.presets} lacks=${known.value.lacks} job=${jobOf("train")} reload=${load} />`}
    ${one.run && html`<${Use} pair=${one} job=${jobOf("export")} />`}
    <section><p class="fine">${t("pair-kept")}</p><${Twice} id=${`pair ${one.id}`} says=${t("pair-forget")} onSure=${() => forget(one.id)} /></section>`;
};

export const Pairs = () => {
  const one = pair(), pairs = known.value.pairs;
  return html`<main class="sheet wide pair" id="main">
    <a class="back" href="#swap"><${Icon} name="down" />${t("pair-back")}</a>
    <h1>${t("screen.pairs")}</h1>
    <p class="lead">${t("pair-lead")}</p>
    ${known.value.lacks && html`<p class="note"><${Icon} name="alert" /><span>${t("pair-lacks")} <kbd>pip install 'mien[train]'</kbd></span></p>`}
    ${pairs.length > 0 && html`<div class="chips" role="group" aria-label=${t("pair-all")}>
      ${pairs.map((each) => html`<button type="button" class="chip" key=${each.id} aria-pressed=${each.id === chosen.value} onClick=${() => (chosen.value = each.id)}>${each.sides.map((/** @type {any} */ side) => side.name).join(" + ")}</button>`)}
      <button type="button" class="chip" aria-pressed=${!one} onClick=${() => (chosen.value = "")}>${t("pair-new")}</button></div>`}
    ${one ? html`<${Shown} key=${one.id} one=${one} />` : html`<${New} />`}
  </main>`;
};
