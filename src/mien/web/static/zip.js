// @ts-check
// Files in a zip, as they are: the format of PKWARE's APPNOTE, 4.3, without compression.

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

/** @param {Uint8Array} bytes */
function crc(bytes) {
  let sum = ~0;
  for (const byte of bytes) sum = TABLE[(sum ^ byte) & 255] ^ (sum >>> 8);
  return ~sum >>> 0;
}

/** Little-endian numbers, each with how many bytes it has. @param {[number, number][]} numbers */
function fields(...numbers) {
  const out = new Uint8Array(numbers.reduce((sum, [, size]) => sum + size, 0));
  let at = 0;
  for (const [value, size] of numbers) for (let i = 0; i < size; i++) out[at++] = (value / 256 ** i) & 255;
  return out;
}

/** @param {File[]} files @returns {Promise<Blob>} */
export async function zipped(files) {
  const parts = /** @type {any[]} */ ([]), list = /** @type {any[]} */ ([]);
  let at = 0, listed = 0;
  for (const file of files) {
    const bytes = new Uint8Array(await file.arrayBuffer()), name = new TextEncoder().encode(file.name);
    // version 2.0, names in UTF-8, stored, no date
    const about = /** @type {[number, number][]} */ ([[20, 2], [0x800, 2], [0, 2], [0, 2], [33, 2], [crc(bytes), 4], [bytes.length, 4], [bytes.length, 4], [name.length, 2], [0, 2]]);
    const head = fields([0x04034b50, 4], ...about);
    const entry = fields([0x02014b50, 4], [20, 2], ...about, [0, 2], [0, 2], [0, 2], [0, 4], [at, 4]);
    parts.push(head, name, bytes);
    list.push(entry, name);
    at += head.length + name.length + bytes.length;
    listed += entry.length + name.length;
  }
  const end = fields([0x06054b50, 4], [0, 2], [0, 2], [files.length, 2], [files.length, 2], [listed, 4], [at, 4], [0, 2]);
  return new Blob([...parts, ...list, end]);
}
