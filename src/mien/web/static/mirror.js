// @ts-check
// The loop of the camera: frames go to the server and come back as they are shown. One is on its way at a time: the
// next is sent when the last has come.
import * as api from "./api.js";
import * as state from "./state.js";
import { signal } from "./vendor/signals-core.js";

const WIDTH = 640; // pixels of a frame
const QUALITY = 0.85; // of what is sent
const CALM = 0.9; // how much of the pace that is shown is the one before

export const running = signal(false);
export const held = signal(false); // a recording is of one thing: nothing else is begun
export const mirrored = signal(localStorage.getItem("live-mirrored") !== "no");
export const pace = signal({ fps: 0, latency: 0 });
export const devices = signal(/** @type {MediaDeviceInfo[]} */ ([])); // of which one can be chosen
export const device = signal(localStorage.getItem("live-device") ?? "");

let run = 0; // the newest run of the camera
/** @type {MediaStream | null} */
let stream = null;
/** @type {HTMLVideoElement | null} */
let video = null;
/** @type {HTMLCanvasElement | null} */
let shown = null;
let camera = ""; // its id on the server; empty where it only mirrors
let told = ""; // what the server's camera does
let wanted = ""; // what it is to do, as the body of the call that begins it; empty where that is nothing

/** Where frames are shown. @param {HTMLCanvasElement | null} one */
export const showOn = (one) => (shown = one);
/** The server's camera. */
export const id = () => camera;

export const start = () =>
  state.trying(async () => {
    const chosen = device.value ? { deviceId: device.value } : {};
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: WIDTH }, ...chosen }, audio: false });
    devices.value = (await navigator.mediaDevices.enumerateDevices()).filter((one) => one.kind === "videoinput");
    video = document.createElement("video");
    video.muted = true;
    video.srcObject = stream;
    await video.play();
    running.value = true;
    mirror(++run);
  });

export function stop() {
  run++;
  running.value = false;
  stream?.getTracks().forEach((track) => track.stop());
  forget();
}

function forget() {
  if (camera) api.call("DELETE", `/api/live/${camera}`).catch(() => {});
  camera = told = "";
}

/** Do something else from now on. @param {string} asked the body of the call that begins it; empty for nothing */
export function ask(asked) {
  wanted = asked;
  return state.trying(async () => {
    if (!running.value || asked === told || held.value) return;
    const mine = run;
    const begun = asked ? (await api.post("/api/live", JSON.parse(asked))).id : "";
    forget();
    if (mine === run && running.value) [camera, told] = [begun, asked];
    else if (begun) api.call("DELETE", `/api/live/${begun}`).catch(() => {});
  });
}

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
      await ask(wanted);
    } else {
      state.fail(error);
      stop();
    }
    return null;
  }
}
