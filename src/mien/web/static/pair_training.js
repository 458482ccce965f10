// @ts-check
// The training of a pair: in which way, how far it is by its pictures and its curve; and what was learned put to use.
import * as api from "./api.js";
import { Job, left } from "./jobs.js";
import * as state from "./state.js";
import { giveWith } from "./swap.js";
import { signal } from "./vendor/signals-core.js";
import { Choice, html, Icon, Slider, Twice } from "./view.js";
import { t } from "./words.js";

const USUAL = "cpu";
const way = signal(USUAL);
const looked = signal(/** @type {number | null} */ (null)); // the step whose picture is looked at; nothing: the newest
const curve = signal({ of: "", points: /** @type {[number, number][]} */ ([]) });

/** The curve up to a step, asked for once. @param {string} id @param {number} step */
function follow(id, step) {
  const of = `${id} ${step}`;
  if (curve.value.of === of) return;
  setTimeout(() => {
    const points = curve.value.of.startsWith(id) ? curve.value.points : [];
    curve.value = { of, points };
    state.trying(async () => (curve.value = { of, points: await api.get(`/api/pairs/${id}/run/curve`) }));
  });
}

const Curve = (/** @type {any} */ { pair }) => {
  follow(pair.id, pair.run.step);
  const points = curve.value.points;
  if (points.length < 2) return null;
  const values = points.map(([, value]) => value), low = Math.min(...values), high = Math.max(...values);
  const last = points[points.length - 1];
  const at = points.map(([step, value]) => `${(100 * step) / last[0]},${38 - (36 * (value - low)) / (high - low || 1)}`).join(" ");
  return html`<figure class="curve"><svg viewBox="0 0 100 40" preserveAspectRatio="none" role="img" aria-label=${t("pair-curve-from", { from: values[0].toFixed(3), to: last[1].toFixed(3), step: last[0] })}><polyline points=${at} /></svg>
    <figcaption class="fine"><span>${t("pair-curve")}</span><span>${values[0].toFixed(3)} → ${last[1].toFixed(3)}</span></figcaption></figure>`;
};

const Previews = (/** @type {any} */ { pair, rows }) => {
  const steps = pair.run.previews;
  if (!steps.length) return html`<p class="fine">${t("pair-no-preview")}</p>`;
  const step = steps.includes(looked.value) ? looked.value : steps[steps.length - 1];
  const names = pair.sides.map((/** @type {any} */ side) => side.name);
  const says = [0, 1].flatMap((k) => [names[k], t("pair-drawn", { name: names[k] }), t("pair-drawn-as", { name: names[k], other: names[1 - k] }), t("pair-mask")].slice(0, rows));
  return html`<figure class="previews" style=${{ "--rows": says.length }}>
      <ol>${says.map((said) => html`<li>${said}</li>`)}</ol>
      <img src=${`/api/pairs/${pair.id}/run/previews/${step}`} alt=${t("pair-preview", { step })} />
    </figure>
    ${steps.length > 1 && html`<${Slider} id="pair-step" says=${t("pair-step")} value=${steps.indexOf(step)} zero=${0} low=${0} high=${steps.length - 1} step=${1} shown=${String(step)}
      onInput=${(/** @type {number} */ i) => (looked.value = steps[i])} onDone=${(/** @type {number} */ i) => (looked.value = i === steps.length - 1 ? null : steps[i])} />`}`;
};

export const Training = (/** @type {any} */ { pair, presets, lacks, job, reload }) => {
  const run = pair.run, chosen = run?.preset || way.value, active = job && !["done", "failed", "declined"].includes(job.state);
  const start = () =>
    state.trying(async () => {
      await api.post(`/api/pairs/${pair.id}/run`, { preset: chosen });
      state.jobs.value = await api.get("/api/jobs");
    });
  const anew = () =>
    state.trying(async () => {
      await api.call("DELETE", `/api/pairs/${pair.id}/run`);
      looked.value = null;
      await reload();
    });
  const few = pair.sides.filter((/** @type {any} */ side) => side.faces - side.out < 100).map((/** @type {any} */ side) => side.name);
  return html`<section><h2>${t("pair-training")}</h2>
    ${!run && !active && html`${few.length > 0 && html`<p class="note"><${Icon} name="info" />${t("pair-few", { names: few.join(", ") })}</p>`}
      <${Choice} name=${t("pair-way")} of=${presets.map((/** @type {any} */ one) => [one.name, t(`pair-way.${one.name}`)])} value=${way.value} onPick=${(/** @type {string} */ one) => (way.value = one)} />`}
    <p class="fine">${t(`pair-way-says.${chosen}`)}</p>
    ${job && !(job.state === "done" && run) && html`<${Job} job=${job} whole=${job.state === "failed"} />`}
    ${run && html`<p class="far"><b>${t("pair-far", { step: run.step, steps: run.steps })}</b> ${job?.state === "running" && run.step < run.steps ? left(run.seconds_left) : ""}</p>
      <${Previews} pair=${pair} rows=${presets.find((/** @type {any} */ one) => one.name === run.preset)?.rows ?? 3} /><${Curve} pair=${pair} />`}
    ${!active && html`<div class="row">
      ${(!run || run.step < run.steps) && html`<button type="button" class="main" disabled=${Boolean(lacks)} onClick=${start}><${Icon} name="play" />${t(run ? "go-on" : "pair-start")}</button>`}
      ${run && html`<${Twice} id=${`run ${pair.id}`} icon="retry" kind="plain" says=${t("pair-anew")} onSure=${anew} />`}</div>`}
    ${active && html`<p class="fine">${t("pair-lane")}</p>`}
  </section>`;
};

/** What a network of somebody may be called. @param {string} name @param {number} i */
const plain = (name, i) => name.toLowerCase().replace(/[^a-z0-9._-]+/g, "-").replace(/^[^a-z0-9]+|-+$/g, "").slice(0, 60) || `person-${"ab"[i]}`;

export const Use = (/** @type {any} */ { pair, job }) => {
  const names = pair.sides.map((/** @type {any} */ side, /** @type {number} */ i) => plain(side.name, i));
  const use = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const form = /** @type {any} */ (event.target).elements;
    state.trying(async () => {
      await api.post(`/api/pairs/${pair.id}/networks`, { names: ["a", "b"].map((side) => form[side].value.trim()) });
      state.jobs.value = await api.get("/api/jobs");
    });
  };
  const swap = (/** @type {any} */ side, /** @type {string} */ name) =>
    state.working(async () => {
      const made = await api.post(`/api/pairs/${pair.id}/${side.side}/person`, {});
      giveWith(made, name);
    });
  const busy = job && !["done", "failed", "declined"].includes(job.state);
  return html`<section><h2>${t("pair-use")}</h2><p>${t("pair-use-lead")}</p>
    <form onSubmit=${use}>
      <div class="sides">${pair.sides.map((/** @type {any} */ side, /** @type {number} */ i) => html`<label class="field" key=${side.side}>${t("pair-network-of", { name: side.name })}<input name=${side.side} required maxlength="64" pattern="[a-z0-9][a-z0-9._\\-]*" defaultValue=${names[i]} autocomplete="off" /></label>`)}</div>
      <button class="main" disabled=${busy}><${Icon} name="networks" />${t("pair-use-now")}</button>
    </form>
    ${job && job.state !== "done" && html`<${Job} job=${job} whole=${job.state === "failed"} />`}
    ${job?.state === "done" && html`<p class="big"><${Icon} name="check" />${t("networks-added", { names: job.arguments.names.join(", ") })}</p>
      <div class="row">${pair.sides.map((/** @type {any} */ side, /** @type {number} */ i) => html`<button type="button" class="plain" key=${side.side} onClick=${() => swap(side, job.arguments.names[i])}><${Icon} name="swap" />${t("pair-swap", { name: side.name })}</button>`)}</div>`}
  </section>`;
};
