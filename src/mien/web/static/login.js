// @ts-check
// The page for who is not known yet: it asks for the password.
import * as api from "./api.js";
import { line } from "./errors.js";
import { effect, signal } from "./vendor/signals-core.js";
import { html, Icon, render } from "./view.js";
import { speak, t, wanted } from "./words.js";

const said = signal("");
const asking = signal(false);

/** @param {SubmitEvent} event */
async function enter(event) {
  event.preventDefault();
  const field = /** @type {any} */ (event.target).elements.password;
  asking.value = true;
  try {
    await api.call("POST", "/api/login", { password: field.value });
    location.reload();
  } catch (error) {
    said.value = line(error);
    field.value = "";
    field.focus();
  }
  asking.value = false;
}

const Login = () =>
  html`<main class="login"><form class="card" onSubmit=${enter}>
    <img src="/static/mien.svg" alt="" width="40" height="40" />
    <h1>mien studio</h1>
    <label class="field">${t("password")}<input type="password" name="password" required autocomplete="current-password" autofocus /></label>
    <p class="note" role="alert" hidden=${!said.value}><${Icon} name="alert" />${said.value}</p>
    <div class="row"><button class="main" disabled=${asking.value}>${t("enter")}</button></div>
  </form></main>`;

await speak(wanted());
effect(() => render(html`<${Login} />`, /** @type {HTMLElement} */ (document.getElementById("app"))));
document.documentElement.dataset.ready = "true";
