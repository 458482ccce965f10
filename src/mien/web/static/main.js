// @ts-check
// The page: a function of the state, drawn anew when the state changes.
import { Animate, Moving } from "./animate.js";
import { open } from "./bring.js";
import { mean, nudge, part, people, setEnd, Timeline, toggleKey } from "./clip.js";
import { Edit, take } from "./edit.js";
import * as effects from "./effects.js";
import { filesIn } from "./folders.js";
import { Generate } from "./generate.js";
import { Jobs, listen } from "./jobs.js";
import { Brush, brushing, grow, toggle } from "./keep.js";
import { Live, Mirror } from "./live.js";
import { Around } from "./look.js";
import * as networks from "./networks.js";
import { Notices } from "./notices.js";
import * as pairs from "./pairs.js";
import { dress, Settings, theme } from "./settings.js";
import * as sketch from "./sketch.js";
import * as stage from "./stage.js";
import * as state from "./state.js";
import { Style } from "./style.js";
import { Swap } from "./swap.js";
import { effect, signal } from "./vendor/signals-core.js";
import { look, Verify } from "./verify.js";
import { html, Icon, IconButton, render } from "./view.js";
import { speak, t, wanted } from "./words.js";

// Screens by the verb of mien that they are for: where that is missing, so is the screen. What undo, redo and save are
// for is what the screen says; else the picture. One that is another's is not in the rail.
const SCREENS = /** @type {Record<string, {verb: string, panel?: any, sheet?: any, own?: {undo: () => void, redo: () => void, save: () => any}, of?: string}>} */ ({
  edit: { verb: "edit", panel: Edit },
  swap: { verb: "swap", panel: Swap },
  animate: { verb: "animate", panel: Animate },
  style: { verb: "stylize", panel: Style },
  sketch: { verb: "sketch", sheet: sketch.Sketch, own: sketch },
  generate: { verb: "generate", sheet: Generate },
  live: { verb: "live", panel: Live },
  jobs: { verb: "edit_clip", sheet: Jobs },
  verify: { verb: "verify", sheet: Verify },
  networks: { verb: "models", sheet: networks.Networks },
  pairs: { verb: "train", sheet: pairs.Pairs, of: "swap" },
  settings: { verb: "read", sheet: Settings },
});
const there = () => Object.entries(SCREENS).filter(([, { verb, of }]) => !of && state.about.value?.known.includes(verb));
const dragging = signal(false);

const Rail = () => {
  const running = state.jobs.value.filter((one) => ["running", "waiting"].includes(one.state));
  const share = running.length ? running.reduce((sum, one) => sum + one.share, 0) / running.length : 0;
  const at = SCREENS[state.screen.value]?.of ?? state.screen.value;
  return html`<nav class="rail" aria-label=${t("screens")}>
    <img class="logo" src="/static/mien.svg" alt="mien" width="28" height="28" />
    ${there().map(([name]) => html`<a href=${`#${name}`} aria-current=${at === name ? "page" : undefined} class=${`to-${name}`}>
      <${Icon} name=${name} /><span>${t(`screen.${name}`)}</span>
      ${name === "jobs" && running.length > 0 && html`<i class="count" style=${{ "--share": share }} aria-label=${t("n-running", { n: running.length })}>${running.length}</i>`}</a>`)}
  </nav>`;
};

effect(() => {
  if (state.screen.value) setTimeout(() => document.querySelector(".rail [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" }));
});

const Top = () => {
  const { past, future } = state.history.value;
  const clip = state.medium.value?.kind === "clip";
  if (state.screen.value === "live") return html`<header class="top"><p class="file"><b>${t("screen.live")}</b></p>
    <${IconButton} icon="undo" says=${t("undo")} keys="Ctrl+Z" disabled=${!past.length} onClick=${state.undo} /><${IconButton} icon="redo" says=${t("redo")} keys="Ctrl+Shift+Z" disabled=${!future.length} onClick=${state.redo} /></header>`;
  const many = state.media.value.length > 1, touched = !state.untouched(state.now.value);
  return html`<header class="top">
    <p class="file"><b title=${state.medium.value?.name}>${state.medium.value?.name ?? ""}</b><span>${state.medium.value ? `${state.medium.value.size.join(" × ")}` : ""}</span></p>
    <span class=${`busy ${state.busy.value ? "on" : ""}`} role="status">${state.busy.value ? t("working") : ""}</span>
    <${IconButton} icon="undo" says=${t("undo")} keys="Ctrl+Z" disabled=${!past.length} onClick=${state.undo} />
    <${IconButton} icon="redo" says=${t("redo")} keys="Ctrl+Shift+Z" disabled=${!future.length} onClick=${state.redo} />
    <i class="gap"></i>
    <${IconButton} icon="compare" says=${t("compare")} keys="C" aria-pressed=${stage.split.value !== null} onClick=${compare} />
    <${IconButton} icon="hold" says=${t("hold")} keys="\\" class="icon-button" onPointerDown=${() => (stage.holding.value = true)} onPointerUp=${() => (stage.holding.value = false)} onPointerLeave=${() => (stage.holding.value = false)}
      onKeyDown=${(/** @type {KeyboardEvent} */ e) => [" ", "Enter"].includes(e.key) && (stage.holding.value = true)} onKeyUp=${() => (stage.holding.value = false)} />
    <i class="gap"></i>
    ${many && touched && !clip && html`<button type="button" class="plain to-all" aria-label=${t("apply-all", { n: photos().length })} onClick=${toAll}><${Icon} name="all" /><span>${t("apply-all", { n: photos().length })}</span></button>`}
    ${clip ? html`<button type="button" class="main" aria-label=${t("make-clip")} disabled=${!touched} onClick=${makeClip}><${Icon} name="film" /><span>${t("make-clip")}</span></button>`
      : html`<button type="button" class="main" aria-label=${t("save")} onClick=${state.saveShown}><${Icon} name="save" /><span>${t("save")}</span></button>`}
  </header>`;
};

const compare = () => (stage.split.value = stage.split.value === null ? 0.5 : null);
const photos = () => state.media.value.filter((one) => one.kind === "photo");
/** What jobs can do of what is set: one verb each. @returns {[string, any] | null} */
function job() {
  const { request, swap, style } = state.now.value;
  const set = /** @type {[string, any][]} */ ([["swap", swap], ["edit", Object.keys(state.strengths(state.now.value)).length ? request : null], ["stylize", style]]).filter(([, what]) => what);
  if (set.length > 1) state.tell(t("one-verb"), "error");
  return set.length === 1 ? set[0] : null;
}
function toAll() {
  const wanted = job();
  if (!wanted) return;
  const everyone = state.without(wanted[1], ["face"]); // faces are numbered anew in each photo
  state.putJob(wanted[0], photos().map((one) => one.id), wanted[0] === "edit" ? everyone : wanted[1]);
}
function makeClip() {
  const wanted = job();
  if (wanted) state.putJob(wanted[0], [state.current.value], { ...wanted[1], ...part() });
}

const Strip = () =>
  html`<div class="strip" role="group" aria-label=${t("photos")}>
    <label class="add" title=${t("open")}><input type="file" multiple accept="image/*,video/*,.heic,.avif" aria-label=${t("open")} onChange=${(/** @type {any} */ e) => { open([...e.target.files]); e.target.value = ""; }} /><${Icon} name="open" /><span>${t("open")}</span></label>
    ${state.media.value.map((one) => html`<div class="thumb" key=${one.id}>
      <button type="button" aria-pressed=${one.id === state.current.value} aria-label=${one.name} onClick=${() => state.choose(one.id)}><img src=${`/api/media/${one.id}?w=192`} alt="" loading="lazy" />${one.kind === "clip" && html`<${Icon} name="film" />`}</button>
      ${state.media.value.length > 1 && html`<button type="button" class="drop" aria-label=${t("forget-name", { name: one.name })} onClick=${() => state.close(one.id)}><${Icon} name="close" /></button>`}</div>`)}
    ${state.uploads.value > 0 && html`<div class="thumb coming" aria-label=${t("opening")}></div>`}
  </div>`;

const Page = () => {
  const { panel, sheet } = SCREENS[state.screen.value] ?? SCREENS.edit;
  return html`<div class=${`page ${sheet ? "with-sheet" : ""}`}>
    <a class="skip" href="#main-panel" onClick=${(/** @type {Event} */ e) => { e.preventDefault(); /** @type {HTMLElement | null} */ (document.querySelector(":is(#main, #panel) :is(input, button, a)"))?.focus(); }}>${t("skip")}</a>
    <${Rail} />
    <div class="work" hidden=${Boolean(sheet)}>
      <${Top} />${!sheet && html`<${Notices} />`}<main class="middle"><${stage.Stage}><${Brush} /></${stage.Stage}><${Moving} /><${Mirror} /><${Around} /></main><${Timeline} /><${Strip} />
    </div>
    ${panel && html`<aside class="panel" id="panel" aria-label=${t(`screen.${state.screen.value}`)}><${panel} /></aside>`}
    ${sheet ? html`<${sheet} /><${Notices} />` : null}
    ${dragging.value && html`<div class="dropping"><${Icon} name="open" />${t(state.screen.value === "verify" ? "drop-to-verify" : "drop")}</div>`}
  </div>`;
};

// ---- the whole window: files that are dropped or pasted, keys

/** @param {DragEvent} event */
const brings = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
addEventListener("dragover", (event) => {
  if (!brings(event)) return;
  event.preventDefault();
  dragging.value = true;
});
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) dragging.value = false;
});
addEventListener("drop", (event) => {
  if (!brings(event)) return;
  event.preventDefault();
  dragging.value = false;
  const items = [...(event.dataTransfer?.items ?? [])], entries = items.map((one) => /** @type {any} */ (one.webkitGetAsEntry?.()));
  const files = items.filter((_, i) => !entries[i]?.isDirectory).map((one) => one.getAsFile()); // asked for while the event lasts
  receive(files.filter((one) => one !== null), entries.filter((one) => one?.isDirectory), event.target);
});
addEventListener("paste", (event) => bring([...(event.clipboardData?.files ?? [])]));

/** What is dropped: packs of effects, where these can be seen, photos and clips, and folders of either. @param {File[]} files
 * @param {any[]} folders @param {any} onto */
const receive = (files, folders, onto) =>
  state.trying(async () => {
    const effective = Boolean(SCREENS[state.screen.value]?.panel), others = [];
    for (const folder of folders) {
      const pack = effective ? await effects.folded(folder) : null;
      if (pack) await take(pack);
      else others.push(folder);
    }
    const packs = effective ? files.filter(effects.isPack) : [];
    for (const pack of packs) await take(pack);
    const found = await filesIn(others);
    bring([...files.filter((one) => !packs.includes(one)), ...found.files], onto, found.over);
  });

/** @param {File[]} files @param {any} [onto] @param {number} [over] files that were passed over */
function bring(files, onto, over = 0) {
  const besides = over ? [t("passed-over", { n: over })] : [];
  if (!files.length) return over && state.tell(besides[0]);
  if (state.screen.value === "verify") look(files[0]);
  else if (state.screen.value === "sketch") sketch.lay(files[0]);
  else if (state.screen.value === "networks") networks.bring(files[0]);
  else if (state.screen.value === "pairs") pairs.bring(files, onto?.closest?.("[data-side]")?.dataset.side, besides);
  else open(files, besides);
}

/** @param {number} by */
function step(by) {
  const all = state.media.value, i = all.findIndex((one) => one.id === state.current.value) + by;
  if (all[i]) state.choose(all[i].id);
}

const KEYS = /** @type {Record<string, (event: KeyboardEvent) => void>} */ ({
  "\\": () => (stage.holding.value = true),
  c: compare,
  b: toggle,
  "[": () => grow(1 / 1.25),
  "]": () => grow(1.25),
  Escape: () => (brushing.value = false),
  i: () => setEnd("start"),
  o: () => setEnd("end"),
  k: toggleKey,
  ",": () => nudge(-1),
  ".": () => nudge(1),
  "+": () => stage.zoomBy(1.5),
  "=": () => stage.zoomBy(1.5),
  "-": () => stage.zoomBy(1 / 1.5),
  0: stage.fit,
  ArrowLeft: () => step(-1),
  ArrowRight: () => step(1),
});
addEventListener("keydown", (event) => {
  const ctrl = event.ctrlKey || event.metaKey, key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const typing = event.target instanceof HTMLInputElement && !["range", "checkbox", "radio"].includes(event.target.type);
  if (ctrl && !typing && ["z", "y", "s"].includes(key)) {
    event.preventDefault();
    const { undo, redo, save } = SCREENS[state.screen.value]?.own ?? { ...state, save: state.saveShown };
    if (key === "s") save();
    else if (key === "y" || event.shiftKey) redo();
    else undo();
    return;
  }
  const arrows = key.startsWith("Arrow") && event.target instanceof Element && event.target.closest("input, [role=tab], [role=radio]");
  if (ctrl || event.altKey || typing || arrows || !(SCREENS[state.screen.value]?.panel)) return;
  if (/^[1-9]$/.test(key)) {
    if (state.medium.value?.kind === "clip") mean(people.value[Number(key) - 1]?.face);
    else if (state.medium.value?.faces[Number(key) - 1]) stage.chooseFace(key);
  } else KEYS[key]?.(event);
});
addEventListener("keyup", (event) => {
  if (event.key === "\\") stage.holding.value = false;
});
const turn = () => {
  const name = location.hash.slice(1);
  state.screen.value = name in SCREENS ? name : "edit";
};
addEventListener("hashchange", turn);
addEventListener("focus", () => document.documentElement.dataset.ready && !state.gone.value && state.trying(state.renew));
document.addEventListener("securitypolicyviolation", (event) => {
  /** @type {any} */ (globalThis).blocked = [...(/** @type {any} */ (globalThis).blocked ?? []), `${event.violatedDirective} ${event.blockedURI}`];
});

// ---- the start

dress(theme.value);
turn();
await speak(wanted());
effect(() => {
  document.title = state.medium.value ? `${state.medium.value.name} – mien` : "mien studio";
  render(html`<${Page} />`, /** @type {HTMLElement} */ (document.getElementById("app")));
});
await state.trying(state.load);
await effects.load();
listen();
document.documentElement.dataset.ready = "true";
