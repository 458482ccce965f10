// @ts-check
// Generate: people who do not exist, as they are asked for; one is taken to Edit.
import * as api from "./api.js";
import * as state from "./state.js";
import { signal } from "./vendor/signals-core.js";
import { html, Icon, Slider } from "./view.js";
import { known, t } from "./words.js";

const MANY = 12;
const first = signal(0); // the seed of the first face
const asked = signal(/** @type {Record<string, number>} */ ({})); // what is not here is as it comes
const held = signal(/** @type {Record<string, number>} */ ({})); // while a slider is

/** @param {string} name @param {number | null} value */
function ask(name, value) {
  const { [name]: _, ...rest } = asked.value;
  asked.value = value === null ? rest : { ...rest, [name]: value };
  held.value = {};
}

/** @param {number} seed */
const take = (seed) =>
  state.working(async () => {
    const { id } = await api.post("/api/generate", { seed, conditions: asked.value });
    const told = await api.get(`/api/media/${id}/faces`);
    state.media.value = [...state.media.value, told];
    state.choose(id);
    location.hash = "edit";
  });

const Asked = (/** @type {any} */ { name, of }) => {
  const value = held.value[name] ?? asked.value[name] ?? null;
  const middle = (of.low + of.high) / 2;
  const shown = value === null ? t("any") : of.unit ? String(Math.round(value)) : `${Math.round(value * 100)}`;
  return html`<${Slider} id=${`nobody-${name}`} says=${known(`edit.${name}`) ? t(`edit.${name}`) : name} value=${value ?? middle} zero=${value === null ? middle : of.low < 0 ? 0 : of.low}
    low=${of.low} high=${of.high} step=${(of.high - of.low) / 50} shown=${shown} onInput=${(/** @type {number} */ v) => (held.value = { [name]: v })}
    onDone=${(/** @type {number} */ v) => ask(name, v)} onReset=${() => ask(name, null)} />`;
};

export const Generate = () => {
  const query = Object.entries(asked.value).map(([name, value]) => `&${name}=${value}`).join("");
  const seeds = Array.from({ length: MANY }, (_, i) => first.value + i);
  return html`<main class="sheet wide" id="main">
    <h1>${t("screen.generate")}</h1>
    <p class="lead">${t("generate-lead")}</p>
    <div class="asked">${Object.entries(state.about.value?.nobody ?? {}).map(([name, of]) => html`<${Asked} key=${name} name=${name} of=${of} />`)}
      <button type="button" class="main" onClick=${() => (first.value = Math.floor(Math.random() * 2 ** 30))}><${Icon} name="generate" />${t("others")}</button></div>
    <div class="nobodies">${seeds.map((seed) => html`<button type="button" key=${`${seed}${query}`} aria-label=${t("take-face", { n: seed })} title=${t("take-face", { n: seed })} onClick=${() => take(seed)}>
      <img src=${`/api/generate?seed=${seed}${query}`} alt="" width="256" height="256" /></button>`)}</div>
  </main>`;
};
