// @ts-check
// Verify: what a file's label says, whoever made it. Its words are other people's and are shown as text only.
import * as api from "./api.js";
import { noted } from "./errors.js";
import * as state from "./state.js";
import { signal } from "./vendor/signals-core.js";
import { html, Icon } from "./view.js";
import { clock, known, t } from "./words.js";

const verdict = signal(/** @type {any} */ (null));
const looking = signal("");

/** @param {File | undefined} file */
export async function look(file) {
  if (!file) return;
  looking.value = file.name;
  verdict.value = null;
  const found = await state.trying(() => api.verified(file));
  verdict.value = found ? { ...found, name: file.name } : null;
  looking.value = "";
}

const ICONS = /** @type {Record<string, string>} */ ({ intact: "check", broken: "alert", unlabelled: "info" });

/** What was asked for, as people read it. @param {[string, string]} asked @returns {[string, string]} */
function told([name, value]) {
  if (name !== "keys") return [known(`edit.${name}`) ? t(`edit.${name}`) : name, value];
  try {
    const keys = /** @type {[number, number][]} */ (JSON.parse(value));
    return [t("clip-strength"), keys.map(([time, share]) => `${clock(time)}: ${Math.round(100 * share)} %`).join(", ")];
  } catch {
    return [t("clip-strength"), value];
  }
}

const Step = (/** @type {any} */ { step }) => {
  const said = Object.entries(step.arguments).filter(([name]) => name !== "face").map(told);
  return html`<li>
    <b>${known(`verb.${step.verb}`) ? t(`verb.${step.verb}`) : step.verb}</b><time>${step.time}</time>
    <dl>${said.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}
      ${step.sources.map((/** @type {string} */ one) => html`<div><dt>${t("source")}</dt><dd>${one}</dd></div>`)}
      ${step.consent && html`<div><dt>${t("consent")}</dt><dd>${step.consent}</dd></div>`}
      ${step.notes.map((/** @type {string} */ one) => html`<div><dt>${t("note")}</dt><dd>${noted(one)}</dd></div>`)}</dl>
  </li>`;
};

export const Verify = () => {
  const found = verdict.value;
  return html`<main class="sheet" id="main">
    <h1>${t("screen.verify")}</h1>
    <p class="lead">${t("verify-lead")}</p>
    <label class="drop-here"><input type="file" onChange=${(/** @type {any} */ e) => look(e.target.files[0])} /><${Icon} name="verify" /><span>${looking.value || t("drop-to-verify")}</span></label>
    <div aria-live="polite">
    ${found && html`<section class=${`verdict ${found.state}`}>
      <h2><${Icon} name=${ICONS[found.state]} />${t(`verdict.${found.state}`)}</h2>
      <p class="name">${found.name}</p>
      ${found.signer && html`<p>${t("signed-by", { who: found.signer })}${found.trusted ? "" : ` (${t("not-trusted")})`}</p>`}
      ${found.steps.length > 0 && html`<ol class="steps">${found.steps.map((/** @type {any} */ step) => html`<${Step} step=${step} />`)}</ol>`}
      ${found.ingredients.length > 0 && html`<p class="fine">${t("made-from", { what: found.ingredients.join(", ") })}</p>`}
      ${found.mark && html`<p class="fine">${found.mark.found ? t("mark-found", { bits: found.mark.bits || "?" }) : t("no-mark")}</p>`}
      ${found.reasons.map((/** @type {string} */ one) => html`<p class="fine">${one}</p>`)}
    </section>`}
    </div>
  </main>`;
};
