// @ts-check
// Swap: people above, faces of the picture in the stage; a person is dragged onto a face, or chosen for it. Consent is
// asked once a person, and goes into the label.
import * as api from "./api.js";
import { each } from "./bring.js";
import { lanesOn, people } from "./clip.js";
import { swappers } from "./networks.js";
import * as stage from "./stage.js";
import * as state from "./state.js";
import { signal } from "./vendor/signals-core.js";
import { html, Icon, Slider } from "./view.js";
import { t } from "./words.js";

/** @type {any} */
const adding = signal(null); // pictures of somebody who is asked about: {media, name}
const picked = signal(""); // the person who goes to the face that is clicked next
const making = signal(false);
const USUAL = { strength: 1, shape: 1, keep: /** @type {string[]} */ ([]) };

const asked = () => state.now.value.swap ?? { mapping: [], ...USUAL };

/** The faces that somebody can go to: those of the photo, or the people of the clip. @returns {{face: string}[]} */
const faces = () => (state.medium.value?.kind === "clip" ? people.value : state.medium.value?.faces ?? []);

/** @param {any} swap */
function put(swap) {
  const before = state.now.value;
  state.commit({ ...before, swap: swap.mapping.length ? swap : null }, before);
}

/** @type {Map<string, string>} */
const drawnBy = new Map(); // people, and the network that was trained to draw them

/** The one person who comes, in a photo: a network draws one, and no clips. @param {any[]} mapping */
function alone(mapping) {
  const people = new Set(mapping.map((one) => one.person));
  return state.medium.value?.kind === "photo" && people.size === 1 ? mapping[0].person : "";
}

/** A person onto a face. @param {string} person @param {string} face */
export function give(person, face) {
  const swap = asked();
  const mapping = [...swap.mapping.filter((/** @type {any} */ one) => one.face !== face), { person, face }];
  const network = alone(mapping) ? drawnBy.get(person) ?? (alone(swap.mapping) === person ? swap.with : "") : "";
  picked.value = "";
  put({ ...state.without(swap, ["with"]), ...(network ? { with: network } : {}), mapping });
}
stage.onDrop.person = give;
lanesOn.swap = { pick: (face) => (picked.value ? give(picked.value, face) : take(face)), isPicked: (face) => asked().mapping.some((/** @type {any} */ one) => one.face === face) };

/** @param {string} face */
const take = (face) => put({ ...asked(), mapping: asked().mapping.filter((/** @type {any} */ one) => one.face !== face) });

/** Somebody is here, and goes to the face that is clicked next, or to the only one. @param {any} person */
function arrive(person) {
  state.people.value = [...state.people.value, person];
  picked.value = person.id;
  if (faces().length === 1) give(person.id, faces()[0].face);
}

/** Somebody is here whom a network was trained to draw. @param {any} person @param {string} network */
export function giveWith(person, network) {
  drawnBy.set(person.id, network);
  arrive(person);
  location.hash = "swap";
}

/** @param {File[]} files */
async function bring(files) {
  const media = /** @type {string[]} */ ([]);
  making.value = true;
  await each(files, async (file) => media.push((await api.upload(file)).id));
  making.value = false;
  if (media.length) adding.value = { media, name: files[0].name.replace(/\.[^.]+$/, "") };
}

/** @param {SubmitEvent} event */
async function agree(event) {
  event.preventDefault();
  const form = /** @type {any} */ (event.target).elements;
  const about = { media: adding.value.media, name: form.name.value.trim(), consent: agreement(form) };
  making.value = true;
  await state.trying(async () => {
    const made = await api.post("/api/people", about);
    for (const id of adding.value.media) await api.call("DELETE", `/api/media/${id}`).catch(() => {});
    adding.value = null;
    arrive(made);
  });
  making.value = false;
}

/** @param {string} id */
async function forget(id) {
  await state.trying(() => api.call("DELETE", `/api/people/${id}`));
  state.people.value = state.people.value.filter((one) => one.id !== id);
  const swap = asked();
  put({ ...swap, mapping: swap.mapping.filter((/** @type {any} */ one) => one.person !== id) });
}

/** What a form asks of whether everybody agreed. */
export const Agreed = () =>
  html`<label class="tick"><input type="checkbox" name="agreed" required /><span>${t("agreed")}</span></label>
    <label class="field">${t("consent")}<input name="consent" required pattern=".*\\S.*" maxlength="300" placeholder=${t("consent-example")} autocomplete="off" /></label>
    <p class="fine">${t("consent-label")}</p>`;
/** What was answered. @param {any} form its elements */
export const agreement = (form) => `${form.agreed.labels[0].textContent.trim()} ${form.consent.value.trim()}`;

const Consent = () =>
  html`<form class="card" onSubmit=${agree}>
    <h2>${t("who-is-this")}</h2>
    <label class="field">${t("name")}<input name="name" required maxlength="80" defaultValue=${adding.value.name} autocomplete="off" /></label>
    <${Agreed} />
    <div class="row"><button type="button" class="plain" onClick=${() => (adding.value = null)}>${t("cancel")}</button>
      <button class="main" disabled=${making.value}>${making.value ? t("measuring") : t("add-person")}</button></div>
  </form>`;

const Person = (/** @type {any} */ { person }) =>
  html`<div class=${`person ${picked.value === person.id ? "chosen" : ""}`}>
    <button type="button" class="face" draggable="true" aria-pressed=${picked.value === person.id} title=${person.consent}
      onDragStart=${(/** @type {DragEvent} */ e) => e.dataTransfer?.setData("text/mien-person", person.id)}
      onClick=${() => (picked.value = picked.value === person.id ? "" : person.id)}>
      <img src=${`/api/people/${person.id}`} alt="" /><span>${person.name}</span></button>
    <button type="button" class="drop" aria-label=${t("forget-name", { name: person.name })} onClick=${() => forget(person.id)}><${Icon} name="close" /></button>
  </div>`;

const Target = (/** @type {any} */ { face, says }) => {
  const of = asked().mapping.find((/** @type {any} */ one) => one.face === face);
  const person = state.people.value.find((one) => one.id === of?.person);
  const over = (/** @type {DragEvent} */ e) => e.preventDefault();
  const drop = (/** @type {DragEvent} */ e) => {
    const id = e.dataTransfer?.getData("text/mien-person");
    if (!id) return;
    e.preventDefault();
    e.stopPropagation();
    give(id, face);
  };
  return html`<li onDragOver=${over} onDrop=${drop} class=${person ? "given" : ""}>
    <button type="button" class="target" disabled=${!picked.value && !person} onClick=${() => (picked.value ? give(picked.value, face) : take(face))}>
      <b>${says}</b><span>${person ? person.name : picked.value ? t("put-here") : t("stays")}</span>
      ${person && html`<${Icon} name="close" />`}</button></li>`;
};

export const Swap = () => {
  const swap = asked();
  const slider = (/** @type {"strength" | "shape"} */ name, /** @type {number} */ low) =>
    html`<${Slider} id=${`swap-${name}`} says=${t(`swap-${name}`)} value=${swap[name]} zero=${1} low=${low} high=${1} step=${0.05} shown=${`${Math.round(swap[name] * 100)} %`}
      onInput=${() => {}} onDone=${(/** @type {number} */ v) => put({ ...swap, [name]: v })} onReset=${() => put({ ...swap, [name]: 1 })} />`;
  const kept = (/** @type {string} */ name) => html`<label class="tick"><input type="checkbox" checked=${swap.keep.includes(name)}
      onChange=${() => put({ ...swap, keep: swap.keep.includes(name) ? swap.keep.filter((/** @type {string} */ one) => one !== name) : [...swap.keep, name] })} /><span>${t(`keep-${name}`)}</span></label>`;
  return html`<div class="scroll">
    <h1>${t("screen.swap")}</h1>
    <p class="lead">${t("swap-lead")}</p>
    ${state.medium.value && !state.faceable.value && html`<p class="note"><${Icon} name="info" />${t("no-face")}</p>`}
    ${adding.value ? html`<${Consent} />` : html`<div class="people">
      ${state.people.value.map((person) => html`<${Person} key=${person.id} person=${person} />`)}
      <label class="person add"><input type="file" accept="image/*" multiple onChange=${(/** @type {any} */ e) => bring([...e.target.files])} /><span class="face"><${Icon} name="person" /><span>${making.value ? t("opening") : t("add-person")}</span></span></label>
    </div>`}
    ${state.people.value.length > 0 && html`<ul class="targets" aria-label=${t("faces")}>${faces().map(({ face }, i) => html`<${Target} key=${face} face=${face} says=${t(state.medium.value?.kind === "clip" ? "clip-person" : "face-n", { n: i + 1 })} />`)}</ul>`}
    ${swap.mapping.length > 0 && html`<div class="sliders">${slider("strength", 0.05)}${slider("shape", 0)}</div>
      <fieldset class="ticks"><legend>${t("keep")}</legend>${["mouth", "eyes", "brows"].map(kept)}</fieldset>
      ${alone(swap.mapping) && swappers.value.length > 0 && html`<label class="field with">${t("swap-with")}
        <select onChange=${(/** @type {any} */ e) => put({ ...state.without(swap, ["with"]), ...(e.target.value ? { with: e.target.value } : {}) })}>
          ${["", ...swappers.value].map((name) => html`<option value=${name} selected=${name === (swap.with ?? "")}>${name || t("swap-without")}</option>`)}</select></label>`}`}
    <a class="plain train" href="#pairs"><${Icon} name="people" />${t("pair-train")}</a>
  </div>`;
};
