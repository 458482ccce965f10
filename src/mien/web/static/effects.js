// @ts-check
// Effect packs of one's own: a zip, or a folder of effect.json and the PNGs that it names, which is put into a zip here.
import * as api from "./api.js";
import { fileOf, inside } from "./folders.js";
import * as state from "./state.js";
import { signal } from "./vendor/signals-core.js";
import { t } from "./words.js";
import { zipped } from "./zip.js";

const FILES = /(^effect\.json|\.png)$/; // of a folder
export const packs = signal(/** @type {{id: string, name: string}[]} */ ([]));

export const load = () => state.trying(async () => (packs.value = await api.get("/api/effects")));

/** Bring a pack in. @param {File} file */
export const bring = (file) =>
  state.trying(async () => {
    const made = await api.post("/api/effects", file, { "X-File-Name": encodeURIComponent(file.name) });
    packs.value = [...packs.value, made];
    state.tell(t("effect-added", { name: made.name }));
    return made.id;
  });

/** @param {File} file */
export const isPack = (file) => file.name.toLowerCase().endsWith(".zip");

/** A folder as a pack; nothing where it is none. @param {any} folder @returns {Promise<File | null>} */
export async function folded(folder) {
  const all = (await inside(folder)).filter((one) => one.isFile && FILES.test(one.name));
  if (!all.some((one) => one.name === "effect.json")) return null;
  return new File([await zipped(await Promise.all(all.map(fileOf)))], `${folder.name}.zip`);
}

/** @param {string} id */
export const forget = (id) =>
  state.trying(async () => {
    await api.call("DELETE", `/api/media/${id}`);
    packs.value = packs.value.filter((one) => one.id !== id);
  });
