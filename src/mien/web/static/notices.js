// @ts-check
// What the page tells: it has a row of its own, where it covers nothing and moves nothing but the picture.
import * as state from "./state.js";
import { html, Icon, IconButton } from "./view.js";
import { t } from "./words.js";

const Notice = () => {
  if (state.gone.value) return html`<p class="notice error"><${Icon} name="alert" />${t("gone")}</p>`;
  if (!state.notice.value) return null;
  const { text, kind, more } = state.notice.value;
  return html`<div class=${`notice ${kind}`}><${Icon} name=${kind === "error" ? "alert" : "info"} />
    <div class="told"><p>${text}</p>${more.map((one) => html`<p class="more">${one}</p>`)}</div>
    <${IconButton} icon="close" says=${t("close")} onClick=${() => (state.notice.value = null)} /></div>`;
};

export const Notices = () => html`<div class="notices" aria-live="polite"><${Notice} /></div>`;
