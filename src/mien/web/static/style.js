// @ts-check
// Style: manners in the box and any painting, over the whole picture or only its faces.
import * as api from "./api.js";
import { each } from "./bring.js";
import * as state from "./state.js";
import { signal } from "./vendor/signals-core.js";
import { html, Icon, Slider } from "./view.js";
import { known, t } from "./words.js";

const paintings = signal(/** @type {{id: string, name: string}[]} */ ([]));

/** @param {any} style */
function put(style) {
  const before = state.now.value;
  state.commit({ ...before, style }, before);
}

/** @param {File[]} files */
const bring = (files) =>
  each(files, async (file) => {
    const told = await api.upload(file);
    paintings.value = [...paintings.value, { id: told.id, name: told.name }];
    put({ ...(state.now.value.style ?? {}), manner: undefined, style: told.id });
  });

export const Style = () => {
  const style = state.now.value.style, id = state.current.value;
  const strength = style?.strength ?? 1;
  const pick = (/** @type {any} */ how) => put({ strength, ...(style?.face ? { face: style.face } : {}), ...how });
  const swatch = (/** @type {string} */ key, /** @type {boolean} */ on, /** @type {string} */ says, /** @type {any} */ act, /** @type {any} */ picture) =>
    html`<button type="button" key=${key} class="manner" aria-pressed=${on} onClick=${act}>${picture}<span>${says}</span></button>`;
  const manners = state.about.value?.manners ?? [];
  return html`<div class="scroll">
    <h1>${t("screen.style")}</h1>
    <p class="lead">${t("style-lead")}</p>
    <div class="manners">
      ${swatch("none", !style, t("photo-itself"), () => put(null), html`<img src=${`/api/media/${id}?w=192`} alt="" />`)}
      ${manners.map((/** @type {string} */ name) => swatch(name, style?.manner === name, known(`manner.${name}`) ? t(`manner.${name}`) : name, () => pick({ manner: name }), html`<img key=${id} src=${`/api/media/${id}/manners/${name}`} alt="" loading="lazy" />`))}
      ${paintings.value.map(({ id, name }) => swatch(id, style?.style === id, name, () => pick({ style: id }), html`<img src=${`/api/media/${id}?w=192`} alt="" />`))}
      <label class="manner add"><input type="file" accept="image/*" onChange=${(/** @type {any} */ e) => bring([...e.target.files])} /><${Icon} name="add" /><span>${t("a-painting")}</span></label>
    </div>
    ${style && html`<div class="sliders"><${Slider} id="style-strength" says=${t("strength")} value=${strength} zero=${1} low=${0.1} high=${1} step=${0.05} shown=${`${Math.round(strength * 100)} %`}
        onInput=${() => {}} onDone=${(/** @type {number} */ v) => put({ ...style, strength: v })} onReset=${() => put({ ...style, strength: 1 })} /></div>
      <label class="tick"><input type="checkbox" checked=${style.face === "all"} onChange=${() => put({ ...style, face: style.face ? undefined : "all" })} /><span>${t("faces-only")}</span></label>`}
  </div>`;
};
