// @ts-check
// Folders that are dropped: the photos and clips in them, as if each had been dropped by itself.

const PICTURES = /\.(jpe?g|png|webp|tiff?|avif|bmp|hei[cf]|mp4|m4v|mov|mkv|webm)$/i; // what they are is seen by their bytes
const MOST = 500; // files that are taken at once
const SEEN = 20_000; // files and folders that are looked at

/** All that lies in a folder, by name. @param {any} folder @returns {Promise<any[]>} */
export async function inside(folder) {
  const reader = folder.createReader(), all = /** @type {any[]} */ ([]);
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // a hundred at most
    if (!some.length) return all.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
    all.push(...some);
  }
}

/** @param {any} entry @returns {Promise<File>} */
export const fileOf = (entry) => new Promise((resolve, reject) => entry.file(resolve, reject));

/** The photos and clips in folders and in those within them, and how many other files and folders there are. What is
 * hidden is the system's and counts for nothing. @param {any[]} folders @param {number} [most] */
export async function filesIn(folders, most = MOST) {
  const files = /** @type {File[]} */ ([]), ahead = [...folders];
  let over = 0;
  for (let seen = 0; ahead.length && seen < SEEN; ) {
    const here = (await inside(ahead.shift()).catch(() => (over++, []))).filter((one) => !one.name.startsWith("."));
    seen += here.length + 1;
    for (const one of here) {
      const file = one.isFile && files.length < most && PICTURES.test(one.name) && (await fileOf(one).catch(() => null));
      if (one.isDirectory) ahead.push(one);
      else if (file) files.push(file);
      else over++;
    }
  }
  return { files, over: over + ahead.length };
}
