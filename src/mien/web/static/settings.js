// @ts-check
// Settings: language, theme, what is kept and what leaves.
import * as api from "./api.js";
import * as sketch from "./sketch.js";
import * as state from "./state.js";
import { signal } from "./vendor/signals-core.js";
import { Choice, html, Icon, Twice } from "./view.js";
import { language, LANGUAGES, speak, t } from "./words.js";

export const theme = signal(localStorage.getItem("theme") ?? "auto");
/** @param {string} wanted */
export function dress(wanted) {
  theme.value = wanted;
  localStorage.setItem("theme", wanted);
  document.documentElement.dataset.theme = wanted;
}

async function forget() {
  await state.trying(async () => {
    await api.call("POST", "/api/forget");
    sketch.forgetAll();
    sessionStorage.clear();
    await state.load();
    state.tell(t("forgotten"));
  });
}

const KEYS = [["\\", "original"], ["1 – 9", "key-face"], ["+  −  0", "key-zoom"], ["Ctrl+Z", "undo"], ["Ctrl+Shift+Z", "redo"], ["Ctrl+S", "save"], ["C", "compare"], ["B  [  ]", "key-keep"], ["← →", "key-photos"], ["I  O  ,  .", "key-clip"], ["K", "key-strength"], ["Ctrl+V", "key-paste"]];

export const Settings = () =>
  html`<main class="sheet" id="main">
    <h1>${t("screen.settings")}</h1>
    <section><h2>${t("language")}</h2><${Choice} name="language" of=${Object.entries(LANGUAGES)} value=${language.value} onPick=${speak} /></section>
    <section><h2>${t("theme")}</h2><${Choice} name="theme" of=${["auto", "light", "dark"].map((one) => [one, t(`theme.${one}`)])} value=${theme.value} onPick=${dress} /></section>
    <section><h2>${t("what-leaves")}</h2><p class="big"><${Icon} name="verify" />${t("nothing")}</p><p class="fine">${t("nothing-why")}</p></section>
    <section><h2>${t("labels")}</h2><p>${t("labels-why")}</p></section>
    <section><h2>${t("kept")}</h2><p>${t("kept-why")}</p><${Twice} id="everything" says=${t("forget-everything")} onSure=${forget} /></section>
    <section><h2>${t("keys")}</h2><dl class="keys">${KEYS.map(([keys, says]) => html`<div><dt><kbd>${keys}</kbd></dt><dd>${t(says)}</dd></div>`)}</dl></section>
    <p class="fine">mien ${state.about.value?.version}. ${t("parts")}</p>
  </main>`;
