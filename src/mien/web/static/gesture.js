// @ts-check
// A slider that is held: its Changes are asked for once, and the page draws every strength from them.
import { call } from "./api.js";
import { keysOf } from "./changes.js";
import { base, FETCHED, TIMED, without } from "./state.js";

/** @typedef {import("./changes.js").Key} Key */
/** @typedef {{keys: Key[], stop: AbortController, over: boolean, listen: (() => void) | null}} Arm */

/** @type {Map<string, Arm>} */
const arms = new Map();
const MOST = 6; // arms that are kept

/** The end of a slider's way in the direction of a value. @param {any} edit @param {any} value */
export function endOf(edit, value) {
  if (edit.unit === "colour") return String(value).split(":")[0] || Object.keys(edit.colours)[0];
  return value < 0 ? edit.low : edit.high;
}

/** How far on its way a value is. @param {any} edit @param {any} value */
export function shareOf(edit, value) {
  if (edit.unit === "colour") return value ? Number(String(value).split(":")[1] ?? 1) : 0;
  return value ? value / endOf(edit, value) : 0;
}

/** The Changes of one slider in one direction, from its own zero to its end, all else as it is: they are asked for, and
 * are the same for whoever asks again. @param {string} id @param {any} state @param {any} edit @param {any} end @returns {Arm} */
export function arm(id, state, edit, end) {
  const request = without(state.request, [edit.name, ...edit.excludes, ...TIMED, ...FETCHED]);
  const key = JSON.stringify([id, state.swap, request, edit.name, end]);
  const known = arms.get(key);
  if (known) return known;
  const made = /** @type {Arm} */ ({ keys: [], stop: new AbortController(), over: false, listen: null });
  arms.set(key, made);
  for (const [old, other] of arms) {
    if (arms.size <= MOST) break;
    other.stop.abort();
    arms.delete(old);
  }
  follow(id, state, made, { slider: edit.name, end, request }).catch((error) => {
    arms.delete(key);
    if (error.name !== "AbortError") console.info(error.message); // the exact picture will tell the reader
  });
  return made;
}

/** @param {string} id @param {any} state @param {Arm} made @param {any} body */
async function follow(id, state, made, body) {
  const from = await base(id, state);
  const answer = await call("POST", `/api/media/${from}/change`, body, { signal: made.stop.signal });
  for await (const key of keysOf(answer)) {
    made.keys = [...made.keys, key].sort((a, b) => a.share - b.share);
    made.listen?.();
  }
  made.over = true;
}

/** Only what is wanted now goes on being made. @param {Arm} wanted */
export function only(wanted) {
  for (const [key, other] of arms)
    if (other !== wanted && !other.over) {
      other.stop.abort();
      arms.delete(key);
    }
}
