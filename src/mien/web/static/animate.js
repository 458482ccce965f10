// @ts-check
// Animate: a portrait does what is chosen. A motion is looked at by pointing at it; the whole of it is a job.
import * as state from "./state.js";
import { computed, effect, signal } from "./vendor/signals-core.js";
import { html, Icon, Slider } from "./view.js";
import { known, t } from "./words.js";

const REGIONS = ["pose", "eyes", "lips", "brows"];
const consents = signal(/** @type {Record<string, string>} */ ({})); // by picture
const pointed = signal("");
const chosen = signal("");
const strength = signal(1);
const regions = signal(REGIONS);
const source = signal(""); // the picture as it is edited

effect(() => {
  const id = state.source.value, now = state.now.value;
  source.value = "";
  if (id && state.screen.value === "animate") state.exact(id, now).then((made) => {
    if (state.source.value === id && state.now.value === now) source.value = made.id;
  }, () => {});
});
export const consent = computed(() => consents.value[state.current.value] ?? "");
/** @param {string} name @param {number} w */
const look = (name, w) => `/api/media/${source.value}/motions/${name}?w=${w}&consent=${encodeURIComponent(consent.value)}`;

/** @param {SubmitEvent} event */
function agree(event) {
  event.preventDefault();
  const form = /** @type {any} */ (event.target).elements;
  consents.value = { ...consents.value, [state.current.value]: form.consent.value.trim() };
}

const make = () => {
  const of = chosen.value.startsWith("clip:") ? { driver: chosen.value.slice(5) } : { motion: chosen.value };
  return state.putJob("animate", [source.value], { ...of, consent: consent.value, strength: strength.value, regions: regions.value });
};

export const Consent = (/** @type {any} */ { onCancel }) =>
  html`<form class="card" onSubmit=${agree}>
    <h2>${t("animate-consent")}</h2>
    <label class="tick"><input type="checkbox" name="agreed" required /><span>${t("portrayed-agreed")}</span></label>
    <label class="field">${t("consent")}<input name="consent" required pattern=".*\\S.*" maxlength="300" placeholder=${t("animate-example")} autocomplete="off" /></label>
    <p class="fine">${t("consent-label")}</p>
    <div class="row">${onCancel && html`<button type="button" class="plain" onClick=${onCancel}>${t("cancel")}</button>`}<button class="main">${t("go-on")}</button></div>
  </form>`;

const Motion = (/** @type {any} */ { name }) => {
  const point = () => (pointed.value = name);
  const seen = source.value && (pointed.value === name || chosen.value === name);
  return html`<button type="button" class="manner motion" aria-pressed=${chosen.value === name} onPointerEnter=${point} onFocus=${point} onClick=${() => (chosen.value = chosen.value === name ? "" : name)}>
    ${seen ? html`<img src=${look(name, 256)} alt="" />` : html`<i class="still"><${Icon} name="play" /></i>`}<span>${known(`motion.${name}`) ? t(`motion.${name}`) : name}</span></button>`;
};

const arrived = signal(""); // what of the chosen motion has come, so that it takes the place of the picture

/** The chosen motion, large, over the picture: small at first, which is there sooner. */
export const Moving = () => {
  const name = chosen.value;
  if (state.screen.value !== "animate" || !source.value || !consent.value || !name || name.startsWith("clip:")) return null;
  const key = `${source.value} ${name}`;
  return html`<div class=${`moving ${arrived.value === key ? "here" : ""}`}>
    <img key=${`${key} quick`} src=${look(name, 256)} alt="" onLoad=${() => (arrived.value = key)} />
    <img key=${key} src=${look(name, 640)} alt=${t("motion-large", { name: t(`motion.${name}`) })} /></div>`;
};

export const Animate = () => {
  const clips = state.media.value.filter((one) => one.kind === "clip");
  const region = (/** @type {string} */ name) => html`<label class="tick"><input type="checkbox" checked=${regions.value.includes(name)} disabled=${regions.value.length === 1 && regions.value[0] === name}
    onChange=${() => (regions.value = REGIONS.filter((one) => (one === name) !== regions.value.includes(one)))} /><span>${t(`region.${name}`)}</span></label>`;
  return html`<div class="scroll">
    <h1>${t("screen.animate")}</h1>
    <p class="lead">${t("animate-lead")}</p>
    ${!state.faceable.value ? html`<p class="note"><${Icon} name="info" />${t("no-face")}</p>` : !consent.value ? html`<${Consent} key=${state.current.value} />` : html`<div class="manners">
      ${(state.about.value?.motions ?? []).map((/** @type {string} */ name) => html`<${Motion} key=${name} name=${name} />`)}
      ${clips.map((one) => html`<button type="button" key=${one.id} class="manner" aria-pressed=${chosen.value === `clip:${one.id}`} onClick=${() => (chosen.value = `clip:${one.id}`)}><img src=${`/api/media/${one.id}?w=192`} alt="" /><span>${one.name}</span></button>`)}
    </div>
    ${chosen.value && html`<div class="sliders"><${Slider} id="motion-strength" says=${t("strength")} value=${strength.value} zero=${1} low=${0.2} high=${1.5} step=${0.1} shown=${`${Math.round(strength.value * 100)} %`}
        onInput=${(/** @type {number} */ v) => (strength.value = v)} onDone=${(/** @type {number} */ v) => (strength.value = v)} onReset=${() => (strength.value = 1)} /></div>
      <fieldset class="ticks"><legend>${t("regions")}</legend>${REGIONS.map(region)}</fieldset>
      <button type="button" class="main wide" disabled=${!source.value} onClick=${make}><${Icon} name="film" />${t("make-clip")}</button>`}`}
  </div>`;
};
