// @ts-check
// What the camera sees, as the Live screen has it, and nothing else: a page for other programs to capture.
import * as mirror from "./mirror.js";
import * as state from "./state.js";
import { effect } from "./vendor/signals-core.js";
import { html, Icon, render } from "./view.js";
import { speak, t, wanted } from "./words.js";

const asked = () => localStorage.getItem("live") ?? "";
addEventListener("storage", () => {
  mirror.mirrored.value = localStorage.getItem("live-mirrored") !== "no";
  mirror.ask(asked());
});
addEventListener("pagehide", mirror.stop);

const begin = async () => {
  await mirror.start();
  mirror.ask(asked());
};

const Clean = () =>
  html`<main class="clean"><canvas class="seen" role="img" aria-label=${t("live-picture")} hidden=${!mirror.running.value} ref=${mirror.showOn}></canvas>
    ${!mirror.running.value && html`<button type="button" class="main" onClick=${begin}><${Icon} name="play" />${t("live-start")}</button>`}
    ${state.notice.value && html`<p class="notice" role="alert">${[state.notice.value.text, ...state.notice.value.more].join(" ")}</p>`}</main>`;

await speak(wanted());
effect(() => render(html`<${Clean} />`, /** @type {HTMLElement} */ (document.getElementById("app"))));
await begin();
document.documentElement.dataset.ready = "true";
