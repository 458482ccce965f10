// @ts-check
// What every part of the page is written in: htm's tagged text over Preact, icons, small parts.
import htm from "./vendor/htm.js";
import { h, render } from "./vendor/preact.js";
import { signal } from "./vendor/signals-core.js";
import { t } from "./words.js";

/** @type {(text: TemplateStringsArray, ...values: any[]) => any} */
export const html = /** @type {any} */ (htm).bind(h);
export { render };

/** @param {{name: string}} of */
export const Icon = ({ name }) =>
  html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><use href=${`/static/icons.svg#${name}`} /></svg>`;

/** A button that shows an icon only and says what it does. */
export const IconButton = (/** @type {any} */ { icon, says, keys, ...rest }) =>
  html`<button type="button" class="icon-button" title=${keys ? `${says} (${keys})` : says} aria-label=${says} ...${rest}><${Icon} name=${icon} /></button>`;

const SURE = 5000; // ms in which the second click is to come
const armed = signal(""); // what a second click would do
let waiting = 0;

/** A button for what cannot be taken back: the first click asks, the second does it. id: of what is done; small: of a
 * row, as an icon. */
export const Twice = (/** @type {any} */ { id, icon = "bin", says, small = false, kind = "danger", onSure }) => {
  const sure = armed.value === id, told = sure ? t("sure") : says;
  const click = () => {
    clearTimeout(waiting);
    armed.value = sure ? "" : id;
    if (sure) return onSure();
    waiting = setTimeout(() => (armed.value = ""), SURE);
  };
  return small
    ? html`<button type="button" class=${`icon-button ${sure ? "sure" : ""}`} title=${told} aria-label=${told} onClick=${click}><${Icon} name=${icon} />${sure && html`<span>${told}</span>`}</button>`
    : html`<button type="button" class=${sure ? "danger sure" : kind} onClick=${click}><${Icon} name=${icon} />${told}</button>`;
};

/** One of a few, side by side. */
export const Choice = (/** @type {any} */ { name, of, value, onPick }) =>
  html`<div class="choice" role="radiogroup" aria-label=${name}>
    ${of.map((/** @type {[string, string]} */ [key, says]) => html`<label class=${key === value ? "chosen" : ""}>
      <input type="radio" name=${name} checked=${key === value} onChange=${() => onPick(key)} />${says}</label>`)}
  </div>`;

/** A slider: the range from its zero is filled; a double click or its button sets it back. */
export const Slider = (/** @type {any} */ { id, says, value, low, high, step, zero = 0, shown, onInput, onDone, onBegin, onReset }) => {
  const share = (/** @type {number} */ v) => (v - low) / (high - low);
  const [from, to] = [share(Math.min(value, zero)), share(Math.max(value, zero))];
  return html`<div class=${`slider ${value === zero ? "" : "set"}`} style=${{ "--from": from, "--to": to, "--zero": share(zero) }}>
    <label for=${id}>${says}</label>
    <output for=${id}>${shown}</output>
    ${onReset && html`<button type="button" class="reset" aria-label=${`${t("reset")}: ${says}`} title=${t("reset")} disabled=${value === zero} onClick=${onReset}><${Icon} name="reset" /></button>`}
    <input type="range" id=${id} min=${low} max=${high} step=${step} value=${value} aria-valuetext=${shown}
      onPointerDown=${onBegin} onFocus=${onBegin} onPointerEnter=${onBegin}
      onInput=${(/** @type {any} */ e) => onInput(Number(e.target.value))}
      onChange=${(/** @type {any} */ e) => onDone(Number(e.target.value))} onDblClick=${onReset} />
  </div>`;
};
