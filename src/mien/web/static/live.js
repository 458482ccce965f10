// @ts-check
// Live: what the camera sees, with what the sliders say, with somebody's face or in another manner; or a portrait that does
// what the face before it does.
import { Consent, consent } from "./animate.js";
import * as api from "./api.js";
import { Edit } from "./edit.js";
import * as mirror from "./mirror.js";
import * as state from "./state.js";
import { effect, signal, untracked } from "./vendor/signals-core.js";
import { html, Icon, IconButton } from "./view.js";
import { known, t } from "./words.js";

const STILL = 250; // ms after the last move of a slider in which the camera is told
const MARKS = ["eu", "cn", "none"]; // words in a corner

const { running, mirrored, device, devices, start } = mirror;
const acting = signal(false); // the open photo is shown instead
const instead = signal(/** @type {{person?: string, style?: {manner: string}}} */ ({})); // of what the sliders say
const offered = signal(false); // other programs see it as a camera
const since = signal(0); // when the recording began, in ms; 0 where none does
const mark = signal(localStorage.getItem("live-mark") ?? MARKS[0]);

async function stop() {
  if (since.value) await record(); // what was recorded is kept, however it ends
  mirror.stop();
}

/** Whether something is done instead of what the sliders say: by a person, while they are known, or by a manner. */
const other = () => Boolean(instead.value.style) || state.people.value.some((one) => one.id === instead.value.person);

/** What the camera is to do; empty where that is nothing. */
const wanted = () => {
  const request = state.strengths(state.camera.value);
  const words = mark.value === MARKS[0] ? {} : { mark: mark.value };
  if (acting.value && consent.value) return JSON.stringify({ portrait: state.current.value, consent: consent.value, ...words });
  if (other()) return JSON.stringify({ ...instead.value, ...words });
  return Object.keys(request).length ? JSON.stringify({ request, ...words }) : "";
};

let waiting = 0;
effect(() => {
  const asked = wanted(), on = running.value;
  localStorage.setItem("live", asked); // the clean page does the same
  clearTimeout(waiting);
  if (on) waiting = setTimeout(() => mirror.ask(asked), untracked(() => (mirror.id() ? STILL : 0)));
});
effect(() => {
  localStorage.setItem("live-mark", mark.value);
  localStorage.setItem("live-mirrored", mirrored.value ? "yes" : "no");
  localStorage.setItem("live-device", device.value);
});
effect(() => {
  if (!running.value) [since.value, mirror.held.value] = [0, false]; // however it ended
  if (!running.value || !wanted()) offered.value = false;
});
effect(() => {
  if (state.screen.value !== "live") untracked(() => running.value && stop());
});

/** The open photo instead, or no longer: one thing is shown at a time. */
function act() {
  acting.value = !acting.value;
  instead.value = {};
}
/** Somebody's face or a style instead; nothing for the sliders. @param {{person?: string, style?: {manner: string}}} what */
function show(what) {
  instead.value = what;
  acting.value = false;
}

/** @param {string} id */
async function take(id) {
  device.value = id;
  if (!running.value) return;
  await stop();
  start();
}

/** The picture alone, in a window that other programs can capture. */
const clean = () => open("/live/clean", "mien-clean", "popup,width=640,height=480");

/** What is shown, as a camera that other programs can choose; or no longer. */
const offer = () =>
  state.working(async () => {
    offered.value = (await api.post(`/api/live/${mirror.id()}/camera`, { on: !offered.value })).on;
    if (offered.value) state.tell(t("live-offered"));
  });

const photo = () =>
  state.working(async () => {
    await state.bringIn((await api.post(`/api/live/${mirror.id()}/photo`, {})).id);
    state.tell(t("live-kept"));
  });
const record = () =>
  state.working(async () => {
    const on = !since.value;
    since.value = 0;
    mirror.held.value = on;
    const answer = await api.post(`/api/live/${mirror.id()}/record`, { on });
    if (on) return (since.value = performance.now());
    mirror.ask(wanted()); // what was asked for meanwhile
    await state.bringIn(answer.id);
    state.tell(t("live-kept"));
  });

/** The mirror, over the stage. */
export const Mirror = () => {
  if (state.screen.value !== "live") return null;
  const { fps, latency } = mirror.pace.value, asks = acting.value && !consent.value;
  return html`<div class="mirror">
    <canvas class="seen" role="img" aria-label=${t("live-picture")} hidden=${!running.value} ref=${mirror.showOn}></canvas>
    ${!running.value && html`<div class="begin"><p>${t("live-lead")}</p><button type="button" class="main" onClick=${start}><${Icon} name="play" />${t("live-start")}</button><p class="fine">${t("live-stays")}</p></div>`}
    ${asks && html`<${Consent} key=${state.current.value} onCancel=${() => (acting.value = false)} />`}
    <div class="tools">
      <span class="zoom">${running.value ? t("live-pace", { fps: Math.round(fps), ms: Math.round(latency) }) : ""}</span>
      <${IconButton} icon="person" says=${t("live-act")} aria-pressed=${acting.value} disabled=${!state.medium.value?.faces.length} onClick=${act} />
      <${IconButton} icon="mirror" says=${t("live-mirror")} aria-pressed=${mirrored.value} onClick=${() => (mirrored.value = !mirrored.value)} />
      <${IconButton} icon="window" says=${t("live-clean")} onClick=${clean} />
      <${IconButton} icon="live" says=${t("live-offer")} aria-pressed=${offered.value} disabled=${!running.value || !wanted()} onClick=${offer} />
      <${IconButton} icon="images" says=${t("live-photo")} disabled=${!running.value || !wanted() || !fps} onClick=${photo} />
      <${IconButton} icon="record" class="icon-button recorder" says=${since.value ? t("live-record-end") : t("live-record")} aria-pressed=${Boolean(since.value)} disabled=${!running.value || !wanted()} onClick=${record} />
      <${IconButton} icon="stop" says=${t("live-stop")} disabled=${!running.value} onClick=${stop} />
    </div></div>`;
};

/** The sliders of the camera, and what else is its own. */
export const Live = () =>
  html`<div class="camera">
      ${devices.value.length > 1 && html`<label class="field">${t("live-camera")}<select onChange=${(/** @type {any} */ e) => take(e.target.value)}>${devices.value.map((one, i) => html`<option value=${one.deviceId} selected=${one.deviceId === device.value}>${one.label || `${i + 1}`}</option>`)}</select></label>`}
      <label class="field">${t("live-whose")}<span class="whose"><select disabled=${!state.people.value.length} onChange=${(/** @type {any} */ e) => show(e.target.value ? { person: e.target.value } : {})}><option value="">${t("live-own")}</option>${state.people.value.map((one) => html`<option value=${one.id} selected=${one.id === instead.value.person}>${one.name}</option>`)}</select><a href="#swap">${t("add-person")}</a></span></label>
      <label class="field">${t("screen.style")}<select onChange=${(/** @type {any} */ e) => show(e.target.value ? { style: { manner: e.target.value } } : {})}><option value="">${t("photo-itself")}</option>${(state.about.value?.manners ?? []).map((/** @type {string} */ one) => html`<option value=${one} selected=${one === instead.value.style?.manner}>${known(`manner.${one}`) ? t(`manner.${one}`) : one}</option>`)}</select></label>
      <label class="field">${t("live-mark")}<select onChange=${(/** @type {any} */ e) => (mark.value = e.target.value)}>${MARKS.map((one) => html`<option value=${one} selected=${one === mark.value}>${t(`live-mark.${one}`)}</option>`)}</select></label>
      ${other() && html`<p class="fine">${t("live-instead")}</p>`}
    </div>${!other() && html`<${Edit} />`}`;
