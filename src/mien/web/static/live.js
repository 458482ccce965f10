// @ts-check
// Live: what the camera sees, with what the sliders say, or a portrait that does what the face before it does. One
// frame is on its way at a time: the next is sent when the last has come.
import { Consent, consent } from "./animate.js";
import * as api from "./api.js";
import * as state from "./state.js";
import { effect, signal, untracked } from "./vendor/signals-core.js";
import { html, Icon, IconButton } from "./view.js";
import { t } from "./words.js";

const WIDTH = 640; // pixels of a frame
const QUALITY = 0.85; // of what is sent
const STILL = 250; // ms after the last move of a slider in which the camera is told
const CALM = 0.9; // how much of the pace that is shown is the one before

const running = signal(false);
const mirrored = signal(true);
const acting = signal(false); // the open photo is shown instead
const since = signal(0); // when the recording began, in ms; 0 where none does
const pace = signal({ fps: 0, latency: 0 });

let run = 0; // the newest run of the camera
/** @type {MediaStream | null} */
let stream = null;
/** @type {HTMLVideoElement | null} */
let video = null;
/** @type {HTMLCanvasElement | null} */
let shown = null;
let camera = ""; // its id on the server; empty where it only mirrors
let told = ""; // what the server's camera does

const start = () =>
  state.trying(async () => {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: WIDTH } }, audio: false });
    video = document.createElement("video");
    video.muted = true;
    video.srcObject = stream;
    await video.play();
    running.value = true;
    mirror(++run);
  });

async function stop() {
  run++;
  running.value = false;
  if (since.value) await record(); // what was recorded is kept, however it ends
  stream?.getTracks().forEach((track) => track.stop());
  forget();
}

function forget() {
  if (camera) api.call("DELETE", `/api/live/${camera}`).catch(() => {});
  camera = told = "";
}

/** What the camera is to do; empty where that is nothing. */
const wanted = () => {
  if (acting.value && consent.value) return JSON.stringify({ portrait: state.current.value, consent: consent.value });
  const request = state.strengths(state.now.value);
  return Object.keys(request).length ? JSON.stringify({ request }) : "";
};

let waiting = 0;
effect(() => {
  const asked = wanted(), on = running.value;
  clearTimeout(waiting);
  if (on) waiting = setTimeout(() => tell(asked), untracked(() => (camera ? STILL : 0)));
});
effect(() => {
  if (state.screen.value !== "live") untracked(() => running.value && stop());
});

/** @param {string} asked */
const tell = (asked) =>
  state.trying(async () => {
    if (asked === told || since.value) return; // a recording is of one thing
    const mine = run;
    const id = asked ? (await api.post("/api/live", JSON.parse(asked))).id : "";
    forget();
    if (mine === run && running.value) [camera, told] = [id, asked];
    else if (id) api.call("DELETE", `/api/live/${id}`).catch(() => {});
  });

/** Frame after frame. @param {number} mine */
async function mirror(mine) {
  const eye = document.createElement("canvas"), on = /** @type {CanvasRenderingContext2D} */ (eye.getContext("2d", { alpha: false }));
  let last = performance.now();
  while (mine === run && video) {
    const scale = Math.min(WIDTH / video.videoWidth, 1);
    eye.width = Math.round(video.videoWidth * scale);
    eye.height = Math.round(video.videoHeight * scale);
    on.setTransform(mirrored.value ? -1 : 1, 0, 0, 1, mirrored.value ? eye.width : 0, 0);
    on.drawImage(video, 0, 0, eye.width, eye.height);
    const taken = performance.now();
    const image = camera ? await worked(eye, camera) : eye;
    if (mine !== run) return;
    if (image && shown) {
      shown.width = image.width;
      shown.height = image.height;
      shown.getContext("2d")?.drawImage(image, 0, 0);
    }
    if (image === eye || document.hidden) await new Promise(requestAnimationFrame); // which waits while nobody looks
    const now = performance.now(), old = pace.value, keep = old.fps ? CALM : 0;
    pace.value = { fps: keep * old.fps + ((1 - keep) * 1000) / (now - last), latency: keep * old.latency + (1 - keep) * (now - taken) };
    last = now;
  }
}

/** What a camera of the server makes of a frame; nothing where it could not. @param {HTMLCanvasElement} eye @param {string} id */
async function worked(eye, id) {
  const sent = /** @type {Blob} */ (await new Promise((resolve) => eye.toBlob(resolve, "image/jpeg", QUALITY)));
  try {
    return await createImageBitmap(await (await api.call("POST", `/api/live/${id}`, sent)).blob());
  } catch (error) {
    if (/** @type {any} */ (error).status === 404) {
      if (id === camera) told = ""; // it was forgotten, as another page has begun one
      await tell(wanted());
    } else {
      state.tell(/** @type {Error} */ (error).message, "error");
      stop();
    }
    return null;
  }
}

const photo = () =>
  state.working(async () => {
    await state.bringIn((await api.post(`/api/live/${camera}/photo`, {})).id);
    state.tell(t("live-kept"));
  });
const record = () =>
  state.working(async () => {
    const on = !since.value;
    since.value = 0;
    const answer = await api.post(`/api/live/${camera}/record`, { on });
    if (on) return (since.value = performance.now());
    await state.bringIn(answer.id);
    state.tell(t("live-kept"));
  });

/** The mirror, over the stage. */
export const Mirror = () => {
  if (state.screen.value !== "live") return null;
  const { fps, latency } = pace.value, asks = acting.value && !consent.value;
  return html`<div class="mirror">
    <canvas class="seen" role="img" aria-label=${t("live-picture")} hidden=${!running.value} ref=${(/** @type {any} */ one) => (shown = one)}></canvas>
    ${!running.value && html`<div class="begin"><p>${t("live-lead")}</p><button type="button" class="main" onClick=${start}><${Icon} name="play" />${t("live-start")}</button><p class="fine">${t("live-stays")}</p></div>`}
    ${asks && html`<${Consent} key=${state.current.value} onCancel=${() => (acting.value = false)} />`}
    <div class="tools">
      <span class="zoom">${running.value ? t("live-pace", { fps: Math.round(fps), ms: Math.round(latency) }) : ""}</span>
      <${IconButton} icon="person" says=${t("live-act")} aria-pressed=${acting.value} disabled=${!state.medium.value?.faces.length} onClick=${() => (acting.value = !acting.value)} />
      <${IconButton} icon="mirror" says=${t("live-mirror")} aria-pressed=${mirrored.value} onClick=${() => (mirrored.value = !mirrored.value)} />
      <${IconButton} icon="images" says=${t("live-photo")} disabled=${!running.value || !wanted()} onClick=${photo} />
      <${IconButton} icon="record" class="icon-button recorder" says=${since.value ? t("live-record-end") : t("live-record")} aria-pressed=${Boolean(since.value)} disabled=${!running.value || !wanted()} onClick=${record} />
      <${IconButton} icon="stop" says=${t("live-stop")} disabled=${!running.value} onClick=${stop} />
    </div></div>`;
};
