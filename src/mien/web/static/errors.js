// @ts-check
// What went wrong, in the reader's language. The server says it in the command line's English: what readers of a page
// meet most has whole sentences here, found by the server's own words; of the rest the page says what kind of thing it
// is, and the server's words come below it.
import { known, t } from "./words.js";

/** @typedef {{text: string, detail: string}} Said */

/** Sentences of the page, by what the server says. A test holds them against the server's texts. @type {[string, RegExp][]} */
export const SENTENCES = [
  ["file-empty", /\bis empty: a\b.* file was wanted/],
  ["file-no-picture", /\bis (not a picture|an? .+): a .* file was wanted/],
  ["file-broken", /\bis (truncated|damaged)\b|cannot be read as a film|holds no (frame|pictures) that can be decoded/],
  ["file-many-pixels", /\bpixels.* more than the limit of\b/],
  ["file-large", /^this is too large: at most (?<most>[\d.]+) mb/i],
  ["no-face", /^no face found in |: no face found, so there is none/],
  ["face-many", /shows (?<n>\d+) faces: give a picture of one person/],
  ["face-child", /nobody (under 18|is made to look under 18)/],
  ["face-narrow", /pixels wide, .* were wanted|the widest face has|is too small: .* between the eyes/],
  ["face-covered", /hair, a hand or dark glasses cover the face/],
  ["face-turned", /is turned by .* can be (moved|swapped)/],
  ["person-side", /, and no picture of (?<name>.+) is within\b/],
  ["person-small", /, and the widest in (?<name>.+) \d+: give/],
  ["hair-hat", /wears something on the head|something is worn on the head/],
  ["hair-turned", /degrees away from where the hairstyle does/],
  ["hair-bare", /choose a longer hairstyle|choose a hairstyle that covers/],
  ["mouth-stays", /so nothing was done to (it|the mouth)$/],
  ["glasses-stay", /wears glasses/],
  ["unseen", /no \w+ was seen/],
  ["no-strokes", /^nothing is drawn here/],
  ["nothing-asked", /^every strength is 0/],
  ["wrong-password", /^this is not the password/],
  ["many-passwords", /^too many wrong passwords/],
  ["stranger", /does not know this browser/],
];

// What only terminals have: commands of mien, and options. Who reads this has none open.
const TYPED = /\s*[:;,(][^:;,()]*(`mien |\bmien edit|\s--\w)[^:;,()]*\)?/g;
/** The server's words without what is to be typed. @param {string} text */
export const spared = (text) => text.replace(TYPED, "");

/** A sentence of the page for what the server says; empty where there is none. @param {string} text */
function sentence(text) {
  const [, n, rest] = /^face (\d+):? (.+)$/.exec(text) ?? ["", "", text];
  for (const [key, pattern] of SENTENCES) {
    const found = pattern.exec(rest);
    if (found) return `${n ? `${t("face-n", { n })}: ` : ""}${t(key, found.groups)}`;
  }
  return "";
}

/** What is said of several faces, each by itself. @param {string} text */
const apart = (text) => text.split(/; (?=face \d)/);

/** A note of a result, as well as it can be said. @param {string} text */
export const noted = (text) => apart(text).map((one) => sentence(one) || spared(one)).join("; ");

/** What an error says to who reads the page. @param {any} error @returns {Said} */
export function said(error) {
  const kind = error.kind || error.name;
  if (kind === "Gone") return { text: t("gone"), detail: "" };
  const text = String(error.message), detail = noted(text);
  if (apart(text).every(sentence)) return { text: detail, detail: "" };
  return known(`kind.${kind}`) ? { text: t(`kind.${kind}`), detail } : { text: detail, detail: "" };
}

/** The same in one line. @param {any} error */
export const line = (error) => Object.values(said(error)).filter(Boolean).join(" ");
