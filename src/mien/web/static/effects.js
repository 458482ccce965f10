// @ts-check
// Effect packs of one's own: a zip, or a folder of effect.json and the PNGs that it names, which is put into a zip here.
import * as api from "./api.js";
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

/** The folders and zips among what is dropped. @param {DataTransfer | null} dropped @returns {Promise<File>[]} */
export const among = (dropped) =>
  [...(dropped?.items ?? [])].flatMap((item) => {
    const entry = /** @type {any} */ (item.webkitGetAsEntry?.());
    if (entry?.isDirectory) return [folded(entry)];
    const file = item.getAsFile();
    return file?.name.toLowerCase().endsWith(".zip") ? [Promise.resolve(file)] : [];
  });

/** A folder as a zip. @param {any} folder */
async function folded(folder) {
  const reader = folder.createReader(), files = /** @type {File[]} */ ([]);
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // a hundred at most
    if (!some.length) break;
    for (const one of some) if (one.isFile && FILES.test(one.name)) files.push(await new Promise((resolve, reject) => one.file(resolve, reject)));
  }
  return new File([await zipped(files)], `${folder.name}.zip`);
}

/** @param {string} id */
export const forget = (id) =>
  state.trying(async () => {
    await api.call("DELETE", `/api/media/${id}`);
    packs.value = packs.value.filter((one) => one.id !== id);
  });
