// @ts-check
// What a face that belongs to nobody is asked to be: a slider for each number, swatches for each colour; what is not
// asked comes by chance.
import { signal } from "./vendor/signals-core.js";
import { html, Icon, Slider } from "./view.js";
import { known, t } from "./words.js";

/** The values of one screen. prefix: of its sliders' ids; changed: is called when one is let go; first: what is asked
 * at the beginning. @param {string} prefix @param {() => void} [changed] @param {Record<string, any>} [first] */
export function asking(prefix, changed = () => {}, first = {}) {
  const asked = signal(first); // what is not here is as it comes
  const held = signal(/** @type {Record<string, number>} */ ({})); // while a slider is

  /** @param {string} name @param {any} value */
  function ask(name, value) {
    const { [name]: _, ...rest } = asked.value;
    asked.value = value === null ? rest : { ...rest, [name]: value };
    held.value = {};
    changed();
  }

  const named = (/** @type {string} */ name) => (known(`edit.${name}`) ? t(`edit.${name}`) : t(`asked.${name}`));

  const Number = (/** @type {any} */ { name, of }) => {
    const value = held.value[name] ?? asked.value[name] ?? null;
    const middle = (of.low + of.high) / 2;
    const shown = value === null ? t("any") : of.unit ? String(Math.round(value)) : `${Math.round(value * 100)}`;
    return html`<${Slider} id=${`${prefix}-${name}`} says=${named(name)} value=${value ?? middle} zero=${value === null ? middle : of.low < 0 ? 0 : of.low}
      low=${of.low} high=${of.high} step=${(of.high - of.low) / 50} shown=${shown} onInput=${(/** @type {number} */ v) => (held.value = { [name]: v })}
      onDone=${(/** @type {number} */ v) => ask(name, v)} onReset=${() => ask(name, null)} />`;
  };

  const Colour = (/** @type {any} */ { name, of }) =>
    html`<div class="swatches" role="radiogroup" aria-label=${named(name)}><span>${named(name)}</span>
      ${Object.entries(of).map(([key, hex]) => {
        const chosen = asked.value[name] === key, says = known(`colour.${key}`) ? t(`colour.${key}`) : key;
        return html`<button type="button" role="radio" aria-checked=${chosen} title=${says} aria-label=${says} class="swatch" style=${{ "--colour": hex }}
          onClick=${() => ask(name, chosen ? null : key)}>${chosen && html`<${Icon} name="check" />`}</button>`;
      })}</div>`;

  return {
    asked,
    /** What is asked, as an address says it: each begins with &. */
    query: () => Object.entries(asked.value).map(([name, value]) => `&${name}=${encodeURIComponent(value)}`).join(""),
    Asked: (/** @type {any} */ { of }) =>
      Object.entries(of ?? {}).map(([name, one]) => html`<${"low" in one ? Number : Colour} key=${name} name=${name} of=${one} />`),
  };
}
