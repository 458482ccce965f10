// @ts-check
// Networks: what mien works with, under which licence, and another one brought in.
import * as api from "./api.js";
import * as state from "./state.js";
import { computed, effect, signal } from "./vendor/signals-core.js";
import { Choice, html, Icon, Twice } from "./view.js";
import { t } from "./words.js";

const rows = signal(/** @type {any[]} */ ([]));
const which = signal("all"); // licences that are shown
const coming = signal("");

/** Those of the user's own that draw one person. */
export const swappers = computed(() => rows.value.filter((one) => one.role === "swapper" && !one.boxed && one.state === "ok").map((one) => one.name));

const load = () => state.trying(async () => (rows.value = await api.get("/api/networks")));
const exported = computed(() => state.jobs.value.filter((one) => one.verb === "export" && one.state === "done").length);
let known = -1; // of those, when the networks were asked for
effect(() => {
  if (state.screen.value !== "networks" && (state.screen.value !== "swap" || known === exported.value)) return;
  known = exported.value;
  load();
});

/** @param {File | undefined} file */
export async function bring(file) {
  if (!file || coming.value) return;
  coming.value = file.name;
  const name = file.name.replace(/\.[^.]+$/, "").toLowerCase().replace(/[^a-z0-9._-]+/g, "-").replace(/^[^a-z0-9]+/, "").slice(0, 60) || "network";
  await state.trying(async () => {
    const added = await api.post(`/api/networks?name=${encodeURIComponent(name)}`, file, { "X-File-Name": encodeURIComponent(file.name) });
    await load();
    state.tell(t("networks-added", { names: added.map((/** @type {any} */ one) => one.name).join(", ") }));
  });
  coming.value = "";
}

/** @param {string} name */
const remove = (name) =>
  state.trying(async () => {
    await api.call("DELETE", `/api/networks/${encodeURIComponent(name)}`);
    await load();
  });

const Network = (/** @type {any} */ { one }) =>
  html`<li class=${one.state}>
    <details><summary><b>${one.name}</b><span>${one.role}</span><span>${(one.bytes / 1e6).toFixed(1)} MB</span>
      <span class="said">${one.state === "ok" ? `${one.licence}${one.commercial === false ? `, ${t("networks-not-commercial")}` : ""}` : t(`networks-${one.state}`)}</span></summary>
      ${[one.description, one.data, one.limits, one.source].filter(Boolean).map((said) => html`<p class="fine">${said}</p>`)}</details>
    ${!one.boxed && html`<${Twice} id=${`network ${one.name}`} small=${true} says=${t("forget-name", { name: one.name })} onSure=${() => remove(one.name)} />`}</li>`;

export const Networks = () => {
  const shown = rows.value.filter((one) => which.value === "all" || one.commercial);
  const part = (/** @type {string} */ says, /** @type {boolean} */ boxed) => {
    const these = shown.filter((one) => one.boxed === boxed);
    return these.length > 0 && html`<section><h2>${t(says)}</h2><ul class="networks">${these.map((one) => html`<${Network} key=${one.name} one=${one} />`)}</ul></section>`;
  };
  return html`<main class="sheet" id="main">
    <h1>${t("screen.networks")}</h1>
    <p class="lead">${t("networks-lead")}</p>
    <label class="drop-here"><input type="file" accept=".onnx,.pkl,.pt,.pth" onChange=${(/** @type {any} */ e) => { bring(e.target.files[0]); e.target.value = ""; }} /><${Icon} name="networks" /><span>${coming.value ? t("networks-trying", { name: coming.value }) : t("networks-drop")}</span></label>
    <${Choice} name="licences" of=${["all", "commercial"].map((one) => [one, t(`networks-${one}`)])} value=${which.value} onPick=${(/** @type {string} */ one) => (which.value = one)} />
    ${part("networks-own", false)}${part("networks-boxed", true)}
  </main>`;
};
