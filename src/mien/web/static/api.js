// @ts-check
// The calls that the page makes: the public ones, and no others. See /api/openapi.json.

export class Refused extends Error {
  /** @param {number} status @param {{error: string, kind: string, hint: string}} said */
  constructor(status, said) {
    super(said.error);
    this.status = status;
    this.kind = said.kind;
  }
}

/** @param {string} method @param {string} path @param {any} [body] @param {RequestInit} [how] */
export async function call(method, path, body, how = {}) {
  const raw = body instanceof Blob;
  /** @type {Record<string, string>} */
  const headers = { ...(/** @type {any} */ (how.headers) ?? {}) };
  if (body !== undefined && !raw) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, { ...how, method, headers, body: body === undefined || raw ? body : JSON.stringify(body) }).catch((error) => {
    throw error instanceof TypeError ? new Refused(0, { error: error.message, kind: "Gone", hint: "" }) : error; // nobody answers
  });
  if (answer.ok) return answer;
  const said = await answer.json().catch(() => ({ error: answer.statusText, kind: "", hint: "" }));
  throw new Refused(answer.status, said);
}

/** @param {string} path */
export const get = async (path) => (await call("GET", path)).json();
/** @param {string} path @param {any} body @param {Record<string, string>} [headers] @param {AbortSignal} [signal] */
export const post = async (path, body, headers, signal) => (await call("POST", path, body, { headers, signal })).json();
/** @param {File} file */
export const upload = (file) => post("/api/media", file, { "X-File-Name": encodeURIComponent(file.name) });
/** @param {File} file */
export const verified = async (file) => (await call("POST", "/api/verify", file)).json();

/** A preview as a picture that textures take: sRGB's numbers as they are. @param {string} id @param {number} [w] */
export async function bitmap(id, w) {
  const answer = await call("GET", `/api/media/${id}${w ? `?w=${w}` : ""}`);
  return createImageBitmap(await answer.blob(), { premultiplyAlpha: "none", colorSpaceConversion: "none" });
}

/** Take the file of a picture or a job: what the browser saves is what lies on the disk. @param {string} path */
export function save(path) {
  const link = document.createElement("a");
  link.href = path;
  link.download = "";
  link.click();
}
