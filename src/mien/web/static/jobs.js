// @ts-check
// Jobs: what runs, what waits, what is done; it goes on without the page and after a crash.
import * as api from "./api.js";
import { jobNamed } from "./edit_words.js";
import { noted } from "./errors.js";
import * as state from "./state.js";
import { signal } from "./vendor/signals-core.js";
import { html, Icon, IconButton, Twice } from "./view.js";
import { t } from "./words.js";

const open = signal(""); // the job whose files are listed
const tasks = signal(/** @type {Record<string, any[]>} */ ({})); // of jobs whose files were listed
const FOLDERS = ["extract", "train", "export"]; // verbs that make no file to save

const GONE = 4000; // ms without the stream after which the server is

/** News of jobs as they come; the browser takes the stream up again by itself, where somebody is there to give it. */
export function listen() {
  const source = new EventSource("/api/events");
  let waiting = 0;
  source.addEventListener("error", () => (waiting ||= setTimeout(() => (state.gone.value = true), GONE)));
  source.addEventListener("open", () => {
    clearTimeout(waiting);
    waiting = 0;
    state.gone.value = false;
  });
  source.addEventListener("job", (event) => {
    const job = JSON.parse(/** @type {MessageEvent} */ (event).data);
    const others = state.jobs.value.filter((one) => one.id !== job.id);
    const before = state.jobs.value.find((one) => one.id === job.id);
    state.jobs.value = job.state === "gone" ? others : [...others, job].sort((a, b) => b.made - a.made);
    if (job.state === "done" && before && before.state !== "done") state.tell(FOLDERS.includes(job.verb) ? t("job-over", { what: jobNamed(job) }) : t("job-done", { n: job.done }));
    if (job.id in tasks.value) list(job.id);
  });
}

/** @param {string} id */
function list(id) {
  tasks.value = { [id]: [], ...tasks.value };
  return state.trying(async () => {
    const found = await api.get(`/api/jobs/${id}/tasks`);
    tasks.value = { ...tasks.value, [id]: found };
  });
}

/** @param {number | null} seconds */
export const left = (seconds) => (seconds === null ? "" : seconds < 90 ? t("seconds-left", { n: Math.max(seconds, 1) }) : seconds < 7200 ? t("minutes-left", { n: Math.round(seconds / 60) }) : t("hours-left", { n: Math.round(seconds / 3600) }));

/** @param {any} job @param {string} method @param {string} rest @param {any} [body] */
const ask = (job, method, rest, body) => state.trying(() => api.call(method, `/api/jobs/${job.id}${rest}`, body));

/** What failed comes first: of many it is what one looks for. @param {any[]} all */
const sorted = (all) => [...all].sort((a, b) => Number(b.state === "failed") - Number(a.state === "failed"));

const Tasks = (/** @type {any} */ { job }) =>
  html`<ul class="tasks">${sorted(tasks.value[job.id] ?? []).map((task) => html`<li key=${task.id} class=${task.state}>
    <span class="name">${task.item}</span><span class="said">${noted(task.note) || (task.state === "running" && task.total > 1 ? `${Math.round((100 * task.done) / task.total)} %` : t(`state.${task.state}`))}</span>
    ${task.state === "done" && !FOLDERS.includes(job.verb) && html`<${IconButton} icon="save" says=${t("save-name", { name: task.item })} onClick=${() => api.save(`/api/jobs/${job.id}/tasks/${task.id}`)} />`}</li>`)}</ul>`;

/** A job; the whole of one is its files, too, and it stays. */
export const Job = (/** @type {any} */ { job, whole = false }) => {
  const resting = job.state === "paused", over = ["done", "declined", "failed"].includes(job.state);
  const shown = whole || open.value === job.id;
  if (shown && !(job.id in tasks.value)) setTimeout(() => list(job.id));
  return html`<article class=${`job ${job.state}`}>
    <header>
      <button type="button" class="title" aria-expanded=${shown} onClick=${() => { open.value = shown ? "" : job.id; if (!shown) list(job.id); }}>
        <${Icon} name="down" /><b title=${jobNamed(job)}>${jobNamed(job)}</b><span>${job.total === 1 && !over ? `${Math.round(100 * job.share)} %` : t("of", { done: job.done, total: job.total })}${job.declined ? `, ${t("n-declined", { n: job.declined })}` : ""}${job.failed ? `, ${t("n-failed", { n: job.failed })}` : ""}</span></button>
      <span class="state">${over ? t(`state.${job.state}`) : left(job.seconds_left) || t(`state.${job.state}`)}</span>
      ${!over && html`<${IconButton} icon=${resting ? "play" : "pause"} says=${resting ? t("go-on") : t("rest")} onClick=${() => ask(job, "PATCH", "", { state: resting ? "active" : "paused" })} />`}
      ${job.failed > 0 && html`<${IconButton} icon="retry" says=${t("retry")} onClick=${() => ask(job, "POST", "/retry")} />`}
      ${job.done > 0 && !FOLDERS.includes(job.verb) && html`<${IconButton} icon="save" says=${t("save-all")} onClick=${() => api.save(`/api/jobs/${job.id}/results`)} />`}
      ${!whole && html`<${Twice} id=${`job ${job.id}`} small=${true} says=${t("forget-job")} onSure=${() => ask(job, "DELETE", "")} />`}
    </header>
    <progress max="1" value=${job.share} aria-label=${jobNamed(job)}></progress>
    ${shown && html`<${Tasks} job=${job} />`}
  </article>`;
};

export const Jobs = () =>
  html`<main class="sheet" id="main">
    <h1>${t("screen.jobs")}</h1>
    <p class="lead">${t("jobs-lead")}</p>
    ${state.jobs.value.length ? state.jobs.value.map((job) => html`<${Job} key=${job.id} job=${job} />`) : html`<p class="none"><${Icon} name="jobs" />${t("no-jobs")}</p>`}
  </main>`;
