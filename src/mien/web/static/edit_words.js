// @ts-check
// What edits and jobs are called: names, strengths, and what was asked for as a sentence.
import { about } from "./state.js";
import { clock, known, t } from "./words.js";

const MOST = 5; // edits that a job is called by
const CLIP = /\.(mp4|m4v|mov|mkv|webm)$/i;

/** @param {any} edit */
export const named = (edit) => (known(`edit.${edit.name}`) ? t(`edit.${edit.name}`) : edit.says);
/** @param {string} name */
export const colourNamed = (name) => (known(`colour.${name}`) ? t(`colour.${name}`) : name);

/** A number as people read it. @param {any} edit @param {number} value */
export function shown(edit, value) {
  if (!value) return edit.name === "age_to" ? t("off") : "0";
  const sign = value > 0 && edit.name !== "age_to" ? "+" : value < 0 ? "−" : "";
  if (edit.unit) return t(edit.unit === "degrees" ? "degrees" : "years", { n: `${sign}${Math.abs(Math.round(value))}` });
  return `${sign}${Math.round(Math.abs(value) * 100)}`;
}

/** What was asked of one edit. @param {any} edit @param {any} value */
function asked(edit, value) {
  if (typeof value === "number") {
    const ends = named(edit).split(" – "); // of a slider that goes both ways
    if (ends.length < 2) return `${named(edit)} ${shown(edit, value)}`;
    return `${t(`group.${edit.group}`)}: ${ends[value < 0 ? 0 : 1]} ${shown(edit, Math.abs(value)).replace("+", "")}`;
  }
  const [name, strength] = String(value).split(":"), share = strength ? ` ${Math.round(100 * Number(strength))}` : "";
  const choice = known(`style.${name}`) && edit.unit === "style" ? t(`style.${name}`) : colourNamed(name);
  return `${named(edit)}: ${choice}${share}`;
}

/** The last part of what may be a path, without its suffix. @param {string} text */
const stem = (text) => text.replace(/^.*[/\\]/, "").replace(/\.[^.]*$/, "");

/** How, or whom with: what else a job is called by. @param {any} job @returns {string[]} */
function how({ verb, item, arguments: given }) {
  if (verb === "stylize") return [known(`manner.${given.manner}`) ? t(`manner.${given.manner}`) : stem(given.manner)];
  if (verb === "animate") return [known(`motion.${given.motion}`) ? t(`motion.${given.motion}`) : stem(given.motion)];
  return given.names ?? (given.pair ? [item] : []);
}

/** What a job does. @param {any} job */
function what(job) {
  const { verb, arguments: given } = job;
  if (verb === "edit") {
    const all = (about.value?.edits ?? []).filter((/** @type {any} */ one) => one.name in given).map((/** @type {any} */ one) => asked(one, given[one.name]));
    return (all.length > MOST ? [...all.slice(0, MOST), t("and-more", { n: all.length - MOST })] : all).join(", ");
  }
  const said = how(job).join(", ");
  return `${t(`screen.${verb}`)}${said && ": "}${said}`;
}

/** What a job does, and to what. @param {any} job */
export function jobNamed(job) {
  const { start, end } = job.arguments, part = start || end ? `, ${clock(start ?? 0)} – ${end ? clock(end) : ""}` : "";
  const of = job.total === 1 ? `${job.item}${part}` : t(CLIP.test(job.item) ? "n-clips" : "n-photos", { n: job.total });
  return job.arguments.pair ? what(job) : `${what(job)} – ${of}`;
}
