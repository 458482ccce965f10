// @ts-check
// Generate: people who do not exist, as they are asked for; one is taken to Edit.
import * as api from "./api.js";
import { asking } from "./asked.js";
import * as state from "./state.js";
import { signal } from "./vendor/signals-core.js";
import { html, Icon } from "./view.js";
import { t } from "./words.js";

const MANY = 12;
const first = signal(0); // the seed of the first face
const { asked, query, Asked } = asking("nobody");

/** @param {number} seed */
const take = (seed) =>
  state.working(async () => state.workAt((await api.post("/api/generate", { seed, conditions: asked.value })).id));

export const Generate = () => {
  const seeds = Array.from({ length: MANY }, (_, i) => first.value + i);
  return html`<main class="sheet wide" id="main">
    <h1>${t("screen.generate")}</h1>
    <p class="lead">${t("generate-lead")}</p>
    <div class="asked"><${Asked} of=${state.about.value?.nobody} />
      <button type="button" class="main" onClick=${() => (first.value = Math.floor(Math.random() * 2 ** 30))}><${Icon} name="generate" />${t("others")}</button></div>
    <div class="nobodies">${seeds.map((seed) => html`<button type="button" key=${`${seed}${query()}`} aria-label=${t("take-face", { n: seed })} title=${t("take-face", { n: seed })} onClick=${() => take(seed)}>
      <img src=${`/api/generate?seed=${seed}${query()}`} alt="" width="256" height="256" /></button>`)}</div>
  </main>`;
};
