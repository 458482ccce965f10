// @ts-check
// The time line of a clip: its frames, the part that a job makes, a lane for each person in it, and strength over time.
import * as api from "./api.js";
import { Strength, toggle } from "./keys.js";
import * as state from "./state.js";
import { computed, effect, signal, untracked } from "./vendor/signals-core.js";
import { html, Icon, IconButton } from "./view.js";
import { clock, t } from "./words.js";

/** @typedef {{seen: number, lanes: {face?: string, spans: [number, number][]}[], whole: boolean}} Known */
const PICTURES = 12; // of the strip
const KEPT = 3; // frames that the server still holds, for what is on its way there
const ON = ["edit", "swap", "style"]; // the screens that work at clips

const at = signal(0); // seconds: where one looks
const known = signal(/** @type {Record<string, Known>} */ ({})); // people, by clip

const clip = computed(() => (state.medium.value?.kind === "clip" && ON.includes(state.screen.value) ? /** @type {any} */ (state.medium.value) : null));
/** The people of the clip that is open, once all of it was looked at. */
export const people = computed(() => {
  const found = known.value[state.current.value];
  return found?.whole ? /** @type {{face: string, spans: [number, number][]}[]} */ (found.lanes) : [];
});
/** What of the clip a job makes. */
export const part = () => Object.fromEntries(state.PART.filter((name) => name in state.now.value.request).map((name) => [name, state.now.value.request[name]]));
const bounds = () => ({ start: state.now.value.request.start ?? 0, end: state.now.value.request.end ?? clip.value.seconds });


// ---- the frame that is looked at

/** @type {{of: string, time: number} | null} */
let wanted = null;
let going = false;
/** @type {string[]} */
let frames = []; // the last ones, the newest last

effect(() => {
  state.current.value;
  untracked(() => ([at.value, state.moment.value] = [0, null]));
});

/** Look at another moment; of many that are asked for in a row the newest wins. @param {number} time */
async function seek(time) {
  const { id, seconds, fps } = clip.value;
  at.value = Math.min(Math.max(time, 0), seconds - 1 / fps);
  wanted = { of: id, time: at.value };
  if (going) return;
  going = true;
  while (wanted) {
    const { of, time } = wanted;
    wanted = null;
    await state.trying(async () => {
      const frame = (await api.post(`/api/media/${of}/frame`, { time })).id;
      frames.push(frame);
      if (of === state.current.value) state.moment.value = { of, time, id: frame };
      while (frames.length > KEPT) await api.call("DELETE", `/api/media/${frames.shift()}`).catch(() => {}); // its clip may be gone
    });
  }
  going = false;
}

/** A frame back or on. @param {number} by */
export const nudge = (by) => clip.value && seek(at.value + by / clip.value.fps);

// ---- the part

/** The request with a part that begins or ends elsewhere; what is the clip's own beginning or end is not said. @param {string} name @param {number} time */
function cut(name, time) {
  const { seconds, fps } = clip.value, { start, end } = bounds();
  const bounded = Number((name === "start" ? Math.min(time, end - 1 / fps) : Math.max(time, start + 1 / fps)).toFixed(3));
  const rest = state.without(state.now.value.request, [name]);
  const whole = name === "start" ? bounded <= 0 : bounded >= seconds - 0.5 / fps;
  return { ...state.now.value, request: whole ? rest : { ...rest, [name]: bounded } };
}

/** @type {any} */
let before = null; // the state when an edge was taken
/** @param {string} name @param {number} time */
function pull(name, time) {
  before ??= state.now.value;
  state.show(cut(name, time));
  const { start, end } = bounds();
  seek(name === "start" ? start : end - 1 / clip.value.fps);
}
/** @param {string} name @param {number} time */
function drop(name, time) {
  const from = before ?? state.now.value;
  before = null;
  state.commit(cut(name, time), from);
}

/** The part begins at the frame that is shown, or ends with it. @param {string} name */
export function setEnd(name) {
  if (clip.value) drop(name, name === "start" ? at.value : at.value + 1 / clip.value.fps);
}
const whole = () => state.commit({ ...state.now.value, request: state.without(state.now.value.request, state.PART) }, state.now.value);

// ---- who is where

effect(() => {
  const of = clip.value;
  if (of && !untracked(() => known.value[of.id])) state.trying(() => follow(of.id));
});

/** What the server finds, as it does. @param {string} id */
async function follow(id) {
  const put = (/** @type {Known | null} */ found) => {
    const { [id]: _, ...others } = known.value;
    known.value = found ? { ...others, [id]: found } : others;
  };
  put({ seen: 0, lanes: [], whole: false });
  try {
    const answer = await api.call("GET", `/api/media/${id}/people`);
    const reader = /** @type {ReadableStream<Uint8Array>} */ (answer.body).pipeThrough(/** @type {any} */ (new TextDecoderStream())).getReader();
    for (let held = ""; ; ) {
      const { done, value } = await reader.read();
      if (done) break;
      const lines = (held + value).split("\n");
      held = /** @type {string} */ (lines.pop());
      for (const found of lines.map((line) => JSON.parse(line))) put(found);
    }
  } catch (error) {
    put(null); // it is looked for again the next time
    throw error;
  }
}
/** @param {string} [face] of a person; everybody's where it is left out */
export function mean(face) {
  const from = state.now.value, request = state.without(from.request, ["face"]);
  state.commit({ ...from, request: face && face !== from.request.face ? { ...request, face } : request }, from);
}

/** What it is to choose a lane, by screen; the others show none. @type {Record<string, {pick: (face: string) => void, isPicked: (face: string) => boolean}>} */
export const lanesOn = { edit: { pick: mean, isPicked: (face) => state.now.value.request.face === face } };

// ---- strength over time

/** The clip as keys see it; null where there are none. @returns {import("./keys.js").Film | null} */
const film = () => (clip.value && state.screen.value === "edit" ? { seconds: clip.value.seconds, fps: clip.value.fps, at: at.value, seek, clock } : null);
export function toggleKey() {
  const of = film();
  if (of) toggle(of);
}

// ---- the part of the page

const Edge = (/** @type {{name: string, value: number, says: string}} */ { name, value, says }) => {
  const { seconds, fps } = clip.value;
  return html`<input type="range" class=${`edge ${name}`} min="0" max=${seconds} step=${1 / fps} value=${value} aria-label=${says} aria-valuetext=${clock(value)}
    onInput=${(/** @type {any} */ e) => pull(name, Number(e.target.value))} onChange=${(/** @type {any} */ e) => drop(name, Number(e.target.value))} />`;
};

const Lane = (/** @type {any} */ { lane, n }) => {
  const { seconds } = clip.value, { pick, isPicked } = lanesOn[state.screen.value], total = lane.spans.reduce((/** @type {number} */ sum, /** @type {number[]} */ [a, b]) => sum + b - a, 0);
  return html`<button type="button" role="radio" class="lane" disabled=${!lane.face} aria-checked=${isPicked(lane.face)} title=${t("clip-person", { n })}
    aria-label=${t("clip-person-seen", { n, s: Math.round(total) })} onClick=${() => pick(lane.face)}>
    <span class="who">${lane.face && html`<img src=${`/api/media/${lane.face}?w=192`} alt="" />`}</span>
    <span class="track">${lane.spans.map(([from, to]) => html`<i style=${{ left: `${(100 * from) / seconds}%`, width: `${(100 * (to - from)) / seconds}%` }}></i>`)}</span></button>`;
};

const Lanes = () => {
  const found = known.value[clip.value.id], everyone = !state.now.value.request.face;
  if (!found || !lanesOn[state.screen.value]) return null;
  if (found.whole && !found.lanes.length) return html`<p class="fine">${t("clip-nobody")}</p>`;
  return html`<div class="lanes" role="radiogroup" aria-label=${t("clip-people")}>
    ${found.lanes.map((lane, i) => html`<${Lane} key=${lane.face ?? i} lane=${lane} n=${i + 1} />`)}
    ${found.whole ? found.lanes.length > 1 && state.screen.value === "edit" && html`<button type="button" role="radio" class="lane all" aria-checked=${everyone} onClick=${() => mean()}><span class="who"><${Icon} name="people" /></span><span>${t("clip-everyone")}</span></button>`
      : html`<p class="fine" role="status">${t("clip-looking", { n: Math.round((100 * found.seen) / clip.value.seconds) })}</p>`}
  </div>`;
};

export const Timeline = () => {
  if (!clip.value) return null;
  const { id, seconds, fps } = clip.value, { start, end } = bounds(), some = start > 0 || end < seconds;
  const share = (/** @type {number} */ time) => `${(100 * time) / seconds}%`;
  return html`<section class="timeline" aria-label=${t("clip")}>
    <div class="times">
      <output>${clock(at.value)}</output><span>${some ? t("clip-part", { from: clock(start), to: clock(end) }) : clock(seconds)}</span>
      <i class="gap"></i>
      <${IconButton} icon="back" says=${t("clip-back")} keys="," disabled=${at.value <= 0} onClick=${() => nudge(-1)} />
      <${IconButton} icon="on" says=${t("clip-on")} keys="." disabled=${at.value >= seconds - 1 / fps} onClick=${() => nudge(1)} />
      <${IconButton} icon="begin" says=${t("clip-start")} keys="I" onClick=${() => setEnd("start")} />
      <${IconButton} icon="end" says=${t("clip-end")} keys="O" onClick=${() => setEnd("end")} />
      <${IconButton} icon="reset" says=${t("clip-whole")} disabled=${!some} onClick=${whole} />
    </div>
    <div class="film">
      <img src=${`/api/media/${id}/strip?n=${PICTURES}`} alt="" />
      <i class="off" style=${{ left: 0, width: share(start) }}></i><i class="off" style=${{ left: share(end), right: 0 }}></i>
      <input type="range" class="moment" min="0" max=${seconds} step=${1 / fps} value=${at.value} aria-label=${t("clip-moment")} aria-valuetext=${clock(at.value)} onInput=${(/** @type {any} */ e) => seek(Number(e.target.value))} />
      <${Edge} name="start" value=${start} says=${t("clip-start")} /><${Edge} name="end" value=${end} says=${t("clip-end")} />
    </div>
    <${Lanes} />
    ${film() && html`<${Strength} film=${film()} />`}
  </section>`;
};
