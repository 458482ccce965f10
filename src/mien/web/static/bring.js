// @ts-check
// Files that come in: each is taken by itself, and what was not taken is told by name, all in one notice.
import * as api from "./api.js";
import { line } from "./errors.js";
import * as state from "./state.js";
import { t } from "./words.js";

const TOLD = 6; // names in a notice
const HEAD = 24, TAIL = 12; // letters of a long name

/** @param {string} name */
const short = (name) => (name.length > HEAD + TAIL ? `${name.slice(0, HEAD)}…${name.slice(-TAIL)}` : name);
/** The first of many, and how many more there are. @param {string[]} all */
const some = (all) => (all.length > TOLD ? [...all.slice(0, TOLD), t("and-more", { n: all.length - TOLD })] : all);

/** Take files one after the other, and tell of those that were not, and of what else is to be said. @param {Iterable<File>} files
 * @param {(file: File) => Promise<any>} take @param {() => string[]} [besides] */
export async function each(files, take, besides = () => []) {
  const refused = /** @type {string[]} */ ([]);
  for (const file of files) {
    try {
      await take(file);
    } catch (error) {
      if (/** @type {any} */ (error).kind === "Gone") return state.fail(error);
      refused.push(`${short(file.name)}: ${line(error)}`);
    }
  }
  const others = besides();
  if (refused.length === 1) state.tell(refused[0], "error", others);
  else if (refused.length) state.tell(t("not-taken", { n: refused.length }), "error", [...some(refused), ...others]);
  else if (others.length) state.tell(others[0], "info", others.slice(1));
}

/** Bring photos and clips in; the first of them is shown. @param {Iterable<File>} files @param {string[]} [besides] what else is to be said */
export function open(files, besides = []) {
  const faceless = /** @type {string[]} */ ([]);
  let first = true;
  const take = async (/** @type {File} */ file) => {
    state.uploads.value++;
    try {
      const told = await api.upload(file);
      state.add(told);
      if (first) state.choose(told.id);
      first = false;
      if (!told.faces.length && told.kind === "photo") faceless.push(short(file.name));
    } finally {
      state.uploads.value--;
    }
  };
  return each(files, take, () => [...besides, ...(faceless.length ? [t("no-face-in", { names: some(faceless).join(", ") })] : [])]);
}
