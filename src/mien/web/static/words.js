// @ts-check
// What the page says, by keys, in the language of the reader; edits have names of their own and fall back to /api's.
import { signal } from "./vendor/signals-core.js";

export const LANGUAGES = { en: "English", zh: "中文" };
/** @type {any} */
const said = signal({});
export const language = signal("en");

/** The words of a key, with {names} filled in. @param {string} key @param {Record<string, any>} given */
export function t(key, given = {}) {
  const words = said.value[key] ?? key;
  return words.replace(/\{(\w+)\}/g, (/** @type {string} */ whole, /** @type {string} */ name) => given[name] ?? whole);
}

/** Whether a key has words. @param {string} key */
export const known = (key) => key in said.value;

/** Seconds as a clock shows them. @param {number} seconds */
export const clock = (seconds) => `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, "0")}`;

/** @param {string} name */
export async function speak(name) {
  const answer = await fetch(`/static/words/${name}.json`);
  said.value = await answer.json();
  language.value = name;
  document.documentElement.lang = name;
  localStorage.setItem("language", name);
}

/** The language that was chosen, or the browser's where there is one for it. */
export const wanted = () => {
  const first = localStorage.getItem("language") ?? navigator.language.slice(0, 2);
  return first in LANGUAGES ? first : "en";
};
