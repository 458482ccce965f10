// @ts-check
// What the page knows. Pictures are the server's; of each the page remembers what was asked for: a list of states,
// through which undo and redo walk. A state is a small object, so that undo is without end and costs nothing.
import * as api from "./api.js";
import { said } from "./errors.js";
import { batch, computed, signal } from "./vendor/signals-core.js";
import { t } from "./words.js";

/**
 * @typedef {{request: Record<string, any>, swap: any | null, style: any | null, keep?: string}} State - done in the order swap, edit, style; keep: the id of a mask of what no edit changes
 * @typedef {{past: State[], now: State, future: State[]}} History
 * @typedef {{id: string, kind: string, name: string, size: [number, number], preview: [number, number], faces: any[], seconds?: number, fps?: number}} Medium
 */

/** @type {State} */
export const EMPTY = { request: {}, swap: null, style: null };
export const about = signal(/** @type {any} */ (null)); // what /api says
export const media = signal(/** @type {Medium[]} */ ([]));
export const current = signal("");
export const screen = signal("edit");
export const histories = signal(/** @type {Record<string, History>} */ ({}));
export const people = signal(/** @type {any[]} */ ([]));
export const jobs = signal(/** @type {any[]} */ ([]));
export const busy = signal(0); // what is being made
export const gone = signal(false); // the server has ended
export const notice = signal(/** @type {{text: string, kind: string, more: string[]} | null} */ (null));
export const uploads = signal(0);

export const moment = signal(/** @type {{of: string, time: number, id: string} | null} */ (null)); // the frame of a clip that is looked at

export const medium = computed(() => media.value.find((one) => one.id === current.value) ?? null);
/** Whether there are faces to edit; those of a clip need not be in its first frame. */
export const faceable = computed(() => medium.value?.kind === "clip" || (medium.value?.faces.length ?? 0) > 0);
/** What is shown and edited: the picture, or a frame of the clip. */
export const source = computed(() => (moment.value?.of === current.value ? moment.value.id : current.value));
const CAMERA = "camera"; // whose sliders are its own
const worked = computed(() => (screen.value === "live" ? CAMERA : current.value)); // at what is worked, for its history
/** @param {string} of @returns {History} */
const historyOf = (of) => histories.value[of] ?? { past: [], now: EMPTY, future: [] };
export const history = computed(() => historyOf(worked.value));
export const now = computed(() => history.value.now);
export const camera = computed(() => historyOf(CAMERA).now);
export const PART = ["start", "end"]; // of a clip, what a job makes
export const TIMED = [...PART, "keys"]; // what only clips have; a picture is asked for without
export const FETCHED = ["hairstyle"]; // what comes from another picture, which sliders that are held cannot draw
/** Some of a request. @param {any} request @param {string[]} names */
export const without = (request, names) => Object.fromEntries(Object.entries(request).filter(([name]) => !names.includes(name)));
/** Strengths alone, without whose face, which part and when. @param {State} state */
export const strengths = (state) => without(state.request, ["face", ...TIMED]);
/** @param {State} state */
export const untouched = (state) => !state.swap && !state.style && !Object.keys(strengths(state)).length;

/** @param {string} text @param {string} kind @param {string[]} more lines below it */
export function tell(text, kind = "info", more = []) {
  notice.value = { text, kind, more };
  const mine = notice.value;
  setTimeout(() => {
    if (notice.value === mine) notice.value = null;
  }, (kind === "error" ? 9000 : 4000) + 2000 * more.length);
}

/** Tell of what went wrong. @param {any} error */
export function fail(error) {
  const { text, detail } = said(error);
  if (error.name !== "AbortError") tell(text, "error", detail ? [detail] : []);
}

/** Do something and tell of what went wrong. @template T @param {() => Promise<T>} work @returns {Promise<T | undefined>} */
export async function trying(work) {
  try {
    return await work();
  } catch (error) {
    fail(error);
  }
}

/** @param {History} changed */
function put(changed) {
  histories.value = { ...histories.value, [worked.value]: changed };
}

/** Show a state that is not one to go back to yet: a slider is held. @param {State} state */
export const show = (state) => put({ ...history.value, now: state });

/** A new state, behind which the one before can be found. @param {State} state @param {State} before */
export function commit(state, before) {
  if (JSON.stringify(state) === JSON.stringify(before)) return show(state);
  put({ past: [...history.value.past, before], now: state, future: [] });
  remember();
}

export function undo() {
  const { past, now, future } = history.value;
  if (past.length) put({ past: past.slice(0, -1), now: past[past.length - 1], future: [now, ...future] });
  remember();
}

export function redo() {
  const { past, now, future } = history.value;
  if (future.length) put({ past: [...past, now], now: future[0], future: future.slice(1) });
  remember();
}

const remember = () => sessionStorage.setItem("histories", JSON.stringify(histories.value));

/** What the server holds, and what was asked for before a reload. */
export async function load() {
  about.value = await api.get("/api");
  const smiling = { past: [EMPTY], now: { ...EMPTY, request: { smile: 0.6 } }, future: [] };
  histories.value = { [about.value.portrait]: smiling, [CAMERA]: smiling, ...JSON.parse(sessionStorage.getItem("histories") ?? "{}") };
  current.value = sessionStorage.getItem("current") ?? "";
  await renew();
}

/** What the server holds now: another page may have brought something or let it go. */
export async function renew() {
  const before = media.value, listed = await api.get("/api/media");
  const held = new Set(listed.map((/** @type {any} */ one) => one.id)), fresh = listed.filter((/** @type {any} */ one) => !has(before, one.id));
  const told = await Promise.all(fresh.map((/** @type {any} */ one) => api.get(`/api/media/${one.id}/faces`)));
  batch(() => {
    const stay = media.value.filter((one) => held.has(one.id) || !has(before, one.id)); // some may have come meanwhile
    media.value = [...stay, ...told.filter((one) => !has(stay, one.id))];
    histories.value = Object.fromEntries(Object.entries(histories.value).filter(([id]) => id === CAMERA || has(media.value, id)));
    if (!has(media.value, current.value)) choose(media.value[media.value.length - 1]?.id ?? "");
  });
  people.value = await api.get("/api/people");
  histories.value = Object.fromEntries(Object.entries(histories.value).map(([id, one]) => [id, { ...one, now: bySomebody(one.now) }]));
  jobs.value = await api.get("/api/jobs");
}

/** Without the faces of people who are gone. @param {State} state @returns {State} */
function bySomebody(state) {
  const mapping = state.swap?.mapping.filter((/** @type {any} */ one) => people.value.some(({ id }) => id === one.person)) ?? [];
  return mapping.length === (state.swap?.mapping.length ?? 0) ? state : { ...state, swap: mapping.length ? { ...state.swap, mapping } : null };
}

/** @param {Medium[]} all @param {string} id */
const has = (all, id) => all.some((one) => one.id === id);

/** @param {string} id */
export function choose(id) {
  current.value = id;
  sessionStorage.setItem("current", id);
}

/** It is among the others. @param {Medium} told */
export function add(told) {
  if (!has(media.value, told.id)) media.value = [...media.value, told];
}

/** A picture that was made here is among the others. @param {string} id */
export const bringIn = async (id) => add(await api.get(`/api/media/${id}/faces`));

/** A picture that was made here is worked at. @param {string} id */
export async function workAt(id) {
  await bringIn(id);
  choose(id);
  location.hash = "edit";
}

/** @param {string} id */
export async function close(id) {
  await trying(() => api.call("DELETE", `/api/media/${id}`));
  media.value = media.value.filter((one) => one.id !== id);
  if (current.value === id) choose(media.value[media.value.length - 1]?.id ?? "");
}

// ---- results

/** @typedef {{promise: Promise<any>, stop: AbortController, waiting: number, over: boolean}} Made */
/** @type {Map<string, Made>} */
const made = new Map();

/** A verb done to a picture, once; given up where all who wanted it have left before it was done. @param {string} id
 * @param {string} verb @param {any} body @param {AbortSignal} [leaving] */
function result(id, verb, body, leaving) {
  const key = JSON.stringify([id, verb, body]);
  let one = /** @type {Made} */ (made.get(key));
  if (!one) {
    const stop = new AbortController(), promise = api.post(`/api/media/${id}/${verb}`, body, {}, stop.signal);
    one = { promise, stop, waiting: 0, over: false };
    made.set(key, one);
    promise.then(() => (one.over = true)).catch(() => made.get(key) === one && made.delete(key));
  }
  one.waiting++;
  leaving?.addEventListener("abort", () => {
    if (--one.waiting || one.over) return;
    made.delete(key);
    one.stop.abort();
  });
  return one.promise;
}

/** How much of the edits is done at a moment, by keys. @param {[number, number][] | undefined} keys @param {number} time */
export function shareAt(keys, time) {
  if (!keys?.length) return 1;
  const after = keys.findIndex(([at]) => at > time);
  if (after <= 0) return keys[after < 0 ? keys.length - 1 : 0][1];
  const [[begin, from], [end, to]] = keys.slice(after - 1, after + 1);
  return from + ((to - from) * (time - begin)) / (end - begin);
}
/** The same where one looks. @param {State} state */
export const shareHere = (state) => shareAt(state.request.keys, moment.value?.of === current.value ? moment.value.time : 0);

/** What an exact picture with these strengths asks for. @param {State} state @param {any} request @param {number} [share] of it that is done */
export function asked({ keep }, request, share = 1) {
  const keys = share < 1 ? { keys: [[0, share]] } : {};
  return { request: { ...without(request, TIMED), ...keys }, ...(keep ? { keep } : {}) };
}

/** What the edits work at: the picture, or what a swap made of it. @param {string} id @param {State} state @param {AbortSignal} [leaving] */
const swapped = async (id, state, leaving) => (state.swap ? (await result(id, "swap", state.swap, leaving)).id : id);

/** At what sliders that are held work: also with what is fetched from other pictures, which they cannot draw, in place
 * already. @param {string} id @param {State} state */
export async function base(id, state) {
  const at = await swapped(id, state), { hairstyle, face } = state.request;
  if (!hairstyle) return at;
  const haired = result(at, "render", asked(state, { hairstyle, ...(face ? { face } : {}) }));
  return haired.then(({ id }) => id, () => at); // a hat may be worn
}

/** The id of the exact result of a state, and what is to be said of it. @param {string} id @param {State} state @param {AbortSignal} [leaving]
 * who asks does not want it any more */
export async function exact(id, state, leaving) {
  const share = shareHere(state);
  let at = await swapped(id, state, leaving);
  let notes = /** @type {string[]} */ ([]);
  if (share && Object.keys(strengths(state)).length) {
    const done = await result(at, "render", asked(state, state.request, share), leaving);
    [at, notes] = [done.id, done.notes];
  }
  if (state.style) at = (await result(at, "stylize", state.style, leaving)).id;
  return { id: at, notes };
}

/** While this goes on the page says so. @template T @param {() => Promise<T>} work */
export async function working(work) {
  busy.value++;
  try {
    return await trying(work);
  } finally {
    busy.value--;
  }
}

/** Save what is shown, labelled, as the kind of file that it came as. */
export const saveShown = () =>
  working(async () => {
    const shown = await exact(source.value, now.value);
    api.save(`/api/media/${shown.id}?original=1`);
    tell(untouched(now.value) ? t("saved-untouched") : t("saved"));
  });

/** Put a job in, and show where it is. @param {string} verb @param {string[]} ids @param {any} args */
export const putJob = (verb, ids, args) =>
  trying(async () => {
    const how = { headers: { "Idempotency-Key": crypto.randomUUID() } };
    await api.call("POST", "/api/jobs", { verb, media: ids, arguments: args }, how);
    jobs.value = await api.get("/api/jobs");
    location.hash = "jobs";
  });
