// @ts-check
// Edit: tiles and sliders, made from what /api says there is.
import { bring as bringPack, forget as forgetPack, packs } from "./effects.js";
import * as stage from "./stage.js";
import * as state from "./state.js";
import { arm, endOf } from "./gesture.js";
import { colourNamed, named, shown } from "./edit_words.js";
import { lookAround } from "./look.js";
import { signal } from "./vendor/signals-core.js";
import { html, Icon, Slider } from "./view.js";
import { known, t } from "./words.js";

const open = signal("whole_face"); // the tile whose sliders are shown
const ICONS = /** @type {Record<string, string>} */ ({ whole_face: "smile" });
const STEPS = 40; // of a slider from its zero to its end
const DWELL = 120; // ms over a slider after which its Changes are asked for

const edits = () => state.about.value?.edits ?? [];
/** The groups in their order. @returns {[string, any[]][]} */
const groups = () => {
  const found = new Map();
  for (const edit of edits()) found.set(edit.group, [...(found.get(edit.group) ?? []), edit]);
  return [...found];
};
/** @param {any} edit */
const isSet = (edit) => edit.name in state.now.value.request;

/** @type {any} */
let before = null; // the state when the slider was taken

/** The state with another value of an edit: what cannot go with it goes, 0 is left out. @param {any} edit @param {any} value */
function having(edit, value) {
  const request = { ...state.now.value.request };
  for (const other of edit.excludes) delete request[other];
  if (value === null || value === 0 || value === "" || (edit.unit === "colour" && value.endsWith(":0"))) delete request[edit.name];
  else request[edit.name] = value;
  return { ...state.now.value, request };
}

/** Whether the sliders are the camera's, not the picture's. */
const live = () => state.screen.value === "live";

/** @param {any} edit @param {any} value */
function moving(edit, value) {
  before ??= state.now.value;
  if (edit.moves && !live()) stage.follow(edit, value);
  state.show(having(edit, value));
}

/** @param {any} edit @param {any} value */
function done(edit, value) {
  const from = before ?? state.now.value;
  before = null;
  stage.letGo();
  state.commit({ ...having(edit, value) }, from);
}

/** Before the slider moves its Changes are asked for. @param {any} edit */
function near(edit) {
  const value = state.now.value.request[edit.name] ?? 0;
  if (!edit.moves || live() || !state.faceable.value) return;
  clearTimeout(dwell);
  dwell = setTimeout(() => arm(state.source.value, state.now.value, edit, endOf(edit, value)), DWELL);
}
let dwell = 0;

const NumberSlider = (/** @type {any} */ { edit }) => {
  const asked = state.now.value.request[edit.name] ?? 0;
  const zero = edit.moves ? 0 : edit.low;
  const value = asked || zero;
  const step = edit.unit ? 1 : edit.high / STEPS;
  const given = (/** @type {number} */ v) => (!edit.moves && v === edit.low ? 0 : v);
  return html`<${Slider} id=${edit.name} says=${named(edit)} value=${value} low=${edit.low} high=${edit.high} step=${step} zero=${zero}
    shown=${shown(edit, asked)} onBegin=${() => near(edit)} onInput=${(/** @type {number} */ v) => moving(edit, given(v))}
    onDone=${(/** @type {number} */ v) => done(edit, given(v))} onReset=${() => done(edit, 0)} />`;
};

const ColourSlider = (/** @type {any} */ { edit }) => {
  const asked = state.now.value.request[edit.name];
  const [colour, text] = asked ? asked.split(":") : ["", "0"];
  const strength = asked ? Number(text ?? 1) : 0;
  const pick = (/** @type {string} */ name) => done(edit, `${name}:${strength || 0.8}`);
  return html`<div class="colour">
    <${Slider} id=${edit.name} says=${named(edit)} value=${strength} low=${edit.low} high=${edit.high} step=${edit.high / STEPS} shown=${colour ? `${colourNamed(colour)} ${Math.round(strength * 100)}` : t("off")}
      onBegin=${() => colour && near(edit)} onInput=${(/** @type {number} */ v) => moving(edit, `${colour || Object.keys(edit.colours)[0]}:${v}`)}
      onDone=${(/** @type {number} */ v) => done(edit, `${colour || Object.keys(edit.colours)[0]}:${v}`)} onReset=${() => done(edit, 0)} />
    <div class="swatches" role="radiogroup" aria-label=${named(edit)}>
      ${Object.entries(edit.colours).map(([key, hex]) => html`<button type="button" role="radio" aria-checked=${key === colour} title=${colourNamed(key)} aria-label=${colourNamed(key)}
        class="swatch" style=${{ "--colour": hex }} onClick=${() => (key === colour ? done(edit, 0) : pick(key))}>${key === colour && html`<${Icon} name="check" />`}</button>`)}
      <label class="swatch own" title=${t("own-colour")}><${Icon} name="add" /><input type="color" aria-label=${`${named(edit)}: ${t("own-colour")}`} value=${colour.startsWith("#") ? colour : "#a04050"}
        onChange=${(/** @type {any} */ e) => pick(e.target.value)} /></label>
    </div>
  </div>`;
};

/** A pack of one's own is brought in, and worn. @param {File} file */
export async function take(file) {
  const id = await bringPack(file), edit = edits().find((/** @type {any} */ one) => one.name === "effect");
  if (!id || !edit) return;
  open.value = edit.group;
  done(edit, id);
}

// The choices that are shown as pictures: by edit, where these are.
const PICTURED = /** @type {Record<string, string>} */ ({ effect: "effects" });

const PicturedChoice = (/** @type {any} */ { edit }) => {
  const [chosen, text] = (state.now.value.request[edit.name] ?? "").split(":"), id = state.current.value;
  const strength = chosen ? Number(text ?? 1) : 1;
  const choice = (/** @type {string} */ name, /** @type {string} */ says) => html`<button type="button" key=${name} class="manner" aria-pressed=${name === chosen} onClick=${() => done(edit, name === chosen ? "" : name)}>
    ${state.medium.value?.faces.length > 0 && html`<img key=${id} src=${`/api/media/${id}/${PICTURED[edit.name]}/${name}`} alt="" loading="lazy" />`}<span>${says}</span></button>`;
  return html`<div class="manners" role="group" aria-label=${named(edit)}>
    ${packs.value.map((one) => html`<span class="own-pack" key=${one.id}>${choice(one.id, one.name.replace(/\.zip$/, ""))}
      <button type="button" class="drop" aria-label=${t("forget-name", { name: one.name })} onClick=${() => { if (chosen === one.id) done(edit, ""); forgetPack(one.id); }}><${Icon} name="close" /></button></span>`)}
    ${edit.styles.map((/** @type {string} */ name) => choice(name, t(`style.${name}`)))}
    <label class="manner add"><input type="file" accept=".zip" onChange=${(/** @type {any} */ e) => { if (e.target.files[0]) take(e.target.files[0]); e.target.value = ""; }} /><${Icon} name="add" /><span>${t("effect-own")}</span></label>
  </div>
  ${chosen && html`<${Slider} id=${edit.name} says=${t("strength")} value=${strength} zero=${1} low=${0.1} high=${1} step=${0.05} shown=${`${Math.round(strength * 100)} %`}
    onInput=${() => {}} onDone=${(/** @type {number} */ v) => done(edit, v === 1 ? chosen : `${chosen}:${v}`)} onReset=${() => done(edit, chosen)} />`}`;
};

const StyleChoice = (/** @type {any} */ { edit }) => {
  const asked = state.now.value.request[edit.name] ?? "";
  if (PICTURED[edit.name]) return html`<${PicturedChoice} edit=${edit} />`;
  return html`<div class="chips" role="radiogroup" aria-label=${named(edit)}>
    ${edit.styles.map((/** @type {string} */ name) => html`<button type="button" role="radio" class="chip" aria-checked=${name === asked} onClick=${() => done(edit, name === asked ? "" : name)}>
      ${name === asked && html`<${Icon} name="check" />`}${t(`style.${name}`)}</button>`)}
  </div>`;
};

const KINDS = /** @type {Record<string, any>} */ ({ colour: ColourSlider, style: StyleChoice }); // by unit; others are numbers

const Tiles = () =>
  html`<div class="tiles" role="tablist" aria-label=${t("edits")}>
    ${groups().map(([group, of]) => html`<button type="button" role="tab" id=${`tab-${group}`} aria-controls="sliders" aria-selected=${group === open.value}
      class="tile" onClick=${() => (open.value = group)} onKeyDown=${(/** @type {any} */ e) => walk(e)} tabindex=${group === open.value ? 0 : -1}>
      <${Icon} name=${ICONS[group] ?? group} /><span>${known(`group.${group}`) ? t(`group.${group}`) : group}</span>${of.some(isSet) && html`<i class="dot" aria-label=${t("is-set")}></i>`}</button>`)}
  </div>`;

/** Arrows walk along the tiles. @param {KeyboardEvent} event */
function walk(event) {
  const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!by) return;
  event.preventDefault();
  const names = groups().map(([group]) => group);
  open.value = names[(names.indexOf(open.value) + by + names.length) % names.length];
  document.getElementById(`tab-${open.value}`)?.focus();
}

const Faces = () => {
  const faces = state.medium.value?.faces ?? [], chosen = state.now.value.request.face ?? "all";
  if (faces.length < 2 || state.medium.value?.kind === "clip" || live()) return null;
  return html`<div class="choice" role="radiogroup" aria-label=${t("faces")}>
    ${["all", ...faces.map((/** @type {any} */ one) => one.face)].map((face) => html`<label class=${face === chosen ? "chosen" : ""}>
      <input type="radio" name="face" checked=${face === chosen} onChange=${() => stage.chooseFace(face)} />${face === "all" ? t("all-faces") : face}</label>`)}
  </div>`;
};

// ---- presets: parts of requests, which are merged and wipe nothing

const BOXED = /** @type {Record<string, any>} */ ({ portrait: { beauty: 0.5, light: 0.2, warmth: 0.1 }, friendly: { smile: 0.6, beauty: 0.25 }, older: { age: 30 }, evening: { lips: "wine:0.6", lids: "plum:0.5", beauty: 0.4 } });
const own = signal(JSON.parse(localStorage.getItem("presets") ?? "{}"));
/** @param {any} given */
function apply(given) {
  const from = state.now.value;
  let request = { ...from.request };
  for (const [name, value] of Object.entries(given)) {
    const edit = edits().find((/** @type {any} */ one) => one.name === name);
    for (const other of edit?.excludes ?? []) delete request[other];
    request = { ...request, [name]: value };
  }
  state.commit({ ...from, request }, from);
}
/** @param {SubmitEvent} event */
function keep(event) {
  event.preventDefault();
  const field = /** @type {any} */ (event.target).elements.name;
  const name = field.value.trim();
  if (!name) return;
  own.value = { ...own.value, [name]: state.strengths(state.now.value) };
  localStorage.setItem("presets", JSON.stringify(own.value));
  field.value = "";
}
/** @param {string} name */
function drop(name) {
  own.value = Object.fromEntries(Object.entries(own.value).filter(([one]) => one !== name));
  localStorage.setItem("presets", JSON.stringify(own.value));
}

const Presets = () => {
  const some = Object.keys(state.strengths(state.now.value)).length > 0;
  return html`<section aria-label=${t("presets")}>
    <h2>${t("presets")}</h2>
    <div class="chips">
      ${!live() && html`<button type="button" class="chip look" disabled=${!state.medium.value?.faces.length} onClick=${lookAround}><${Icon} name="look" />${t("look-around")}</button>`}
      ${Object.entries(BOXED).map(([name, given]) => html`<button type="button" class="chip" onClick=${() => apply(given)}>${t(`preset.${name}`)}</button>`)}
      ${Object.entries(own.value).map(([name, given]) => html`<span class="chip own"><button type="button" onClick=${() => apply(given)}>${name}</button>
        <button type="button" class="drop" aria-label=${t("forget-name", { name })} onClick=${() => drop(name)}><${Icon} name="close" /></button></span>`)}
    </div>
    ${some && html`<form class="inline" onSubmit=${keep}><input name="name" maxlength="40" placeholder=${t("preset-name")} aria-label=${t("preset-name")} /><button class="plain">${t("keep-preset")}</button></form>`}
  </section>`;
};

export const Edit = () => {
  const of = groups().find(([group]) => group === open.value)?.[1] ?? [];
  const nobody = Boolean(state.medium.value) && !state.faceable.value && !live();
  return html`<${Tiles} />
    <div class="sliders" id="sliders" role="tabpanel" aria-labelledby=${`tab-${open.value}`}>
      ${nobody && html`<p class="note"><${Icon} name="info" />${t("no-face-edit")}</p>`}
      <${Faces} />
      <fieldset class="bare" disabled=${nobody}>${of.map((edit) => html`<${KINDS[edit.unit] ?? NumberSlider} key=${edit.name} edit=${edit} />`)}</fieldset>
    </div>
    <fieldset class="bare presets" disabled=${nobody}><${Presets} /></fieldset>`;
};
