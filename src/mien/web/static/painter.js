// @ts-check
// Draws a photo with the Changes of a gesture at any strength, and pictures as they are. All that is needed to make the
// textures anew after a lost context is kept beside them.
import { COMPOSITE, KEEP, RECTANGLE, SHOW, WHOLE } from "./shaders.js";

/**
 * @typedef {import("./changes.js").Key} Key
 * @typedef {import("./changes.js").Piece} Piece
 * @typedef {{texture: WebGLTexture, buffer: WebGLFramebuffer | null, width: number, height: number}} Picture
 * @typedef {{x: number, y: number, scale: number}} View - the photo pixel at the canvas's corner, photo pixels on one of its
 */

const NONE = { x: 0, y: 0, scale: 1 };

export class Painter {
  // of the context: made anew when that was lost
  gl = /** @type {WebGL2RenderingContext} */ (/** @type {any} */ (null));
  composite = /** @type {any} */ (null);
  show = /** @type {any} */ (null);
  keeping = /** @type {any} */ (null);
  still = /** @type {any} */ (null);
  targets = /** @type {Picture[]} */ ([]);
  uploaded = /** @type {WeakMap<Piece, any>} */ (new WeakMap());
  result = /** @type {Picture | null} */ (null);

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    /** @type {Record<string, ImageBitmap | HTMLCanvasElement | null>} */
    this.sources = { base: null, before: null, after: null, keep: null };
    /** @type {Record<string, Picture | null>} */
    this.pictures = {};
    /** @type {Key[]} */
    this.keys = [];
    this.share = 0;
    this.live = false;
    this.split = 0;
    this.veil = 0; // how clearly it is seen what is kept
    this.view = NONE;
    /** Width and height that views and Changes are told in. @type {[number, number]} */
    this.size = [1, 1];
    /** @type {[number, number, number]} */
    this.ground = [0.5, 0.5, 0.5];
    canvas.addEventListener("webglcontextlost", (event) => {
      event.preventDefault(); // or it is never given back
      this.ready = false;
    });
    canvas.addEventListener("webglcontextrestored", () => this.start());
    this.start();
  }

  start() {
    const how = { alpha: false, antialias: false, depth: false, stencil: false, powerPreference: "high-performance" };
    const gl = /** @type {WebGL2RenderingContext | null} */ (this.canvas.getContext("webgl2", how));
    if (!gl) throw new Error("no WebGL2");
    this.gl = gl;
    gl.pixelStorei(gl.UNPACK_COLORSPACE_CONVERSION_WEBGL, gl.NONE);
    gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
    this.composite = this.program(RECTANGLE, COMPOSITE);
    this.show = this.program(WHOLE, SHOW);
    this.keeping = this.program(WHOLE, KEEP);
    gl.bindVertexArray(gl.createVertexArray());
    this.targets = [];
    this.still = gl.createTexture(); // of a key in which nothing flows
    gl.bindTexture(gl.TEXTURE_2D, this.still);
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RG16F, 1, 1);
    this.filter();
    this.uploaded = new WeakMap();
    this.ready = true;
    for (const [name, image] of Object.entries(this.sources)) this.put(name, image);
  }

  /** @param {string} vertex @param {string} fragment */
  program(vertex, fragment) {
    const gl = this.gl;
    const program = gl.createProgram();
    for (const [type, text] of /** @type {[number, string][]} */ ([[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]])) {
      const shader = /** @type {WebGLShader} */ (gl.createShader(type));
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
      if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS) && !gl.isContextLost()) throw new Error(gl.getShaderInfoLog(shader) ?? "");
    }
    gl.linkProgram(program);
    const known = new Map();
    const at = (/** @type {string} */ name) => {
      if (!known.has(name)) known.set(name, gl.getUniformLocation(program, name));
      return known.get(name);
    };
    return { program, at };
  }

  /** Which picture is the base of gestures, shown before, shown after, or says by its red what is kept.
   * @param {string} name @param {ImageBitmap | HTMLCanvasElement | null} image */
  put(name, image) {
    const gl = this.gl;
    const old = this.pictures[name];
    if (old) gl.deleteTexture(old.texture);
    if (old?.buffer) gl.deleteFramebuffer(old.buffer);
    this.sources[name] = image;
    this.pictures[name] = null;
    if (!image) return;
    const made = (this.pictures[name] = this.picture(image.width, image.height, name === "base"));
    gl.bindTexture(gl.TEXTURE_2D, made.texture);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, gl.RGBA, gl.UNSIGNED_BYTE, image);
    if (name === "base") {
      for (const one of this.targets) {
        gl.deleteTexture(one.texture);
        gl.deleteFramebuffer(one.buffer);
      }
      this.targets = [this.picture(image.width, image.height, true), this.picture(image.width, image.height, true)];
    }
  }

  /** @param {number} width @param {number} height @param {boolean} drawn whether it is drawn into or copied from @returns {Picture} */
  picture(width, height, drawn) {
    const gl = this.gl;
    const texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA8, width, height);
    this.filter();
    let buffer = /** @type {WebGLFramebuffer | null} */ (null);
    if (drawn) {
      buffer = gl.createFramebuffer();
      gl.bindFramebuffer(gl.FRAMEBUFFER, buffer);
      gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
    }
    return { texture, buffer, width, height };
  }

  filter() {
    const gl = this.gl;
    for (const [name, value] of [
      [gl.TEXTURE_MIN_FILTER, gl.LINEAR], [gl.TEXTURE_MAG_FILTER, gl.LINEAR],
      [gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE], [gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE],
    ]) gl.texParameteri(gl.TEXTURE_2D, name, value);
  }

  /** The keys of a gesture, in the order of their shares. @param {Key[]} keys */
  setKeys(keys) {
    for (const key of this.keys) if (!keys.includes(key)) this.drop(key);
    this.keys = keys;
  }

  /** @param {Key} key */
  drop(key) {
    for (const pieces of Object.values(key.stages))
      for (const piece of pieces) {
        const made = this.uploaded.get(piece);
        if (made) for (const texture of [made.flow, made.colour]) this.gl.deleteTexture(texture);
        this.uploaded.delete(piece);
      }
  }

  /** A piece's planes as textures: half floats go up as they came. @param {Key} key @param {Piece} piece */
  textures(key, piece) {
    const known = this.uploaded.get(piece);
    if (known) return known;
    const gl = this.gl, [, , w, h] = piece.box;
    const made = (/** @type {number} */ inner, /** @type {number} */ format, /** @type {number} */ channels, /** @type {number} */ at) => {
      const texture = gl.createTexture();
      gl.bindTexture(gl.TEXTURE_2D, texture);
      gl.texStorage2D(gl.TEXTURE_2D, 1, inner, w, h);
      this.filter();
      const values = new Uint16Array(key.planes, key.start + at, w * h * channels);
      gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, w, h, format, gl.HALF_FLOAT, values);
      return texture;
    };
    gl.activeTexture(gl.TEXTURE0);
    const both = {
      flow: piece.flow === null ? null : made(gl.RG16F, gl.RG, 2, piece.flow),
      colour: made(gl.RGBA16F, gl.RGBA, 4, piece.colour),
    };
    this.uploaded.set(piece, both);
    return both;
  }

  /** What is shown: the gesture at a share of its way, or the picture "after". */
  draw() {
    if (!this.ready) return;
    const { base, before, after } = this.pictures;
    let shown = after ?? base;
    if (this.live && base && this.keys.length) shown = this.composited(base);
    if (shown) this.shown(before ?? shown, shown);
  }

  /** @param {Picture} base */
  composited(base) {
    const [low, high] = this.around();
    const names = Object.keys((low && Object.keys(low.stages).length > Object.keys(high.stages).length ? low : high).stages);
    let from = base, turn = 0;
    for (const name of names) {
      const to = this.targets[turn++ % 2];
      this.copy(from, to);
      const pieces = high.stages[name] ?? low?.stages[name] ?? [];
      for (const piece of pieces) this.face(name, piece, low, high, from, to);
      from = to;
    }
    return this.pictures.keep ? this.laidBack(base, from, this.pictures.keep, this.targets[turn % 2]) : from;
  }

  /** What is kept of the base, over what was changed. @param {Picture} base @param {Picture} changed @param {Picture} keep @param {Picture} to */
  laidBack(base, changed, keep, to) {
    const gl = this.gl, { program, at } = this.keeping;
    gl.useProgram(program);
    gl.bindFramebuffer(gl.FRAMEBUFFER, to.buffer);
    gl.viewport(0, 0, to.width, to.height);
    this.bind([base, changed, keep], at, ["uBase", "uChanged", "uKeep"]);
    gl.uniform2f(at("uSize"), to.width, to.height);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    return to;
  }

  /** @param {Picture[]} pictures @param {(name: string) => any} at @param {string[]} names of the uniforms that they are */
  bind(pictures, at, names) {
    pictures.forEach((picture, i) => {
      this.gl.activeTexture(this.gl.TEXTURE0 + i);
      this.gl.bindTexture(this.gl.TEXTURE_2D, picture.texture);
      this.gl.uniform1i(at(names[i]), i);
    });
  }

  /** The keys below and above the share; below the first one there is none. @returns {[Key | null, Key]} */
  around() {
    const i = this.keys.findIndex((key) => key.share >= this.share - 1e-6);
    const high = this.keys[i < 0 ? this.keys.length - 1 : i];
    return [i > 0 ? this.keys[i - 1] : null, high];
  }

  /** @param {string} name @param {Piece} piece @param {Key | null} low @param {Key} high @param {Picture} from @param {Picture} to */
  face(name, piece, low, high, from, to) {
    const gl = this.gl, { program, at } = this.composite;
    const find = (/** @type {Key | null} */ key) => key?.stages[name]?.find((one) => one.face === piece.face);
    let a = find(low), b = find(high), keyA = low, keyB = high;
    const start = low?.share ?? 0;
    let share = high.share > start ? (this.share - start) / (high.share - start) : 1;
    share = Math.min(Math.max(share, 0), 1);
    if (!b) [a, b, keyA, keyB, share] = [undefined, a, null, /** @type {Key} */ (low), 1 - share]; // it ends on the way
    if (!b) return;
    const mixed = Boolean(a) && share < 1;
    const m = this.detailed(mixed && a ? b.matrix.map((v, i) => /** @type {Piece} */ (a).matrix[i] * (1 - share) + v * share) : b.matrix, to);
    const one = this.textures(keyB, b), other = mixed && a && keyA ? this.textures(keyA, a) : one;
    const d = m[0] * m[4] - m[1] * m[3];
    const inverse = [m[4] / d, -m[3] / d, -m[1] / d, m[0] / d];
    gl.useProgram(program);
    gl.bindFramebuffer(gl.FRAMEBUFFER, to.buffer);
    gl.viewport(0, 0, to.width, to.height);
    [from.texture, other.flow ?? this.still, one.flow ?? this.still, other.colour, one.colour].forEach((texture, i) => {
      gl.activeTexture(gl.TEXTURE0 + i);
      gl.bindTexture(gl.TEXTURE_2D, texture);
      gl.uniform1i(at(["uPhoto", "uFlowA", "uFlowB", "uColourA", "uColourB"][i]), i);
    });
    gl.uniform2i(at("uPhotoSize"), to.width, to.height);
    gl.uniform2f(at("uSize"), to.width, to.height);
    gl.uniform1f(at("uShare"), share);
    gl.uniform1i(at("uMixed"), mixed ? 1 : 0);
    gl.uniform1i(at("uFlows"), one.flow || (mixed && other.flow) ? 1 : 0);
    gl.uniform1i(at("uFades"), b.fades ? 1 : 0);
    gl.uniformMatrix3fv(at("uToCrop"), false, [m[0], m[3], 0, m[1], m[4], 0, m[2], m[5], 1]);
    gl.uniformMatrix2fv(at("uToPhoto"), false, inverse);
    gl.uniform4fv(at("uCutB"), b.box);
    gl.uniform4fv(at("uCutA"), mixed && a ? a.box : b.box);
    gl.uniform4fv(at("uBox"), this.covered(m, inverse, mixed && a ? [a.box, b.box] : [b.box], to));
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
  }

  /** A matrix photo->crop for a base that is drawn with fewer pixels than the photo is told in. @param {number[]} m @param {Picture} to */
  detailed(m, to) {
    const d = to.width / this.size[0], o = (1 / d - 1) / 2; // pixel p of it is photo xy p / d + o
    return [m[0] / d, m[1] / d, m[2] + (m[0] + m[1]) * o, m[3] / d, m[4] / d, m[5] + (m[3] + m[4]) * o];
  }

  /** The rectangle of photo pixels that pieces of a crop reach. @param {number[]} m @param {number[]} inverse @param {number[][]} boxes @param {Picture} to */
  covered(m, inverse, boxes, to) {
    const xs = [], ys = [];
    for (const [l, t, w, h] of boxes)
      for (const [x, y] of [[l - 1, t - 1], [l + w, t - 1], [l - 1, t + h], [l + w, t + h]]) {
        const dx = x - m[2], dy = y - m[5];
        xs.push(inverse[0] * dx + inverse[2] * dy);
        ys.push(inverse[1] * dx + inverse[3] * dy);
      }
    const low = (/** @type {number[]} */ v) => Math.max(Math.floor(Math.min(...v)), 0);
    const high = (/** @type {number[]} */ v, /** @type {number} */ most) => Math.min(Math.ceil(Math.max(...v)) + 1, most);
    return [low(xs), low(ys), high(xs, to.width), high(ys, to.height)];
  }

  /** @param {Picture} from @param {Picture} to */
  copy(from, to) {
    const gl = this.gl;
    gl.bindFramebuffer(gl.READ_FRAMEBUFFER, from.buffer);
    gl.bindFramebuffer(gl.DRAW_FRAMEBUFFER, to.buffer);
    gl.blitFramebuffer(0, 0, to.width, to.height, 0, 0, to.width, to.height, gl.COLOR_BUFFER_BIT, gl.NEAREST);
  }

  /** @param {Picture} before @param {Picture} after */
  shown(before, after) {
    const gl = this.gl, { program, at } = this.show, { x, y, scale } = this.view;
    this.result = after;
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.useProgram(program);
    const { keep } = this.pictures;
    this.bind([before, after, keep ?? before], at, ["uBefore", "uAfter", "uKeep"]);
    gl.uniform1f(at("uVeil"), keep ? this.veil : 0);
    gl.uniform4f(at("uView"), x / this.size[0], y / this.size[1], scale / this.size[0], scale / this.size[1]);
    gl.uniform1f(at("uHeight"), this.canvas.height);
    gl.uniform1f(at("uSplit"), this.split);
    gl.uniform3fv(at("uGround"), this.ground);
    gl.uniform1i(at("uTaps"), Math.min(Math.max(Math.ceil(scale * after.width / this.size[0]), 1), 4));
    gl.uniform1i(at("uPixels"), (scale * after.width) / this.size[0] < 0.2 ? 1 : 0);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  /** What is shown at the photo's own pixels, RGBA, the top row first: for tests. A frame that waits is drawn first. */
  read() {
    this.draw();
    const gl = this.gl, shown = /** @type {Picture} */ (this.result);
    const out = new Uint8Array(shown.width * shown.height * 4);
    const buffer = shown.buffer ?? gl.createFramebuffer();
    gl.bindFramebuffer(gl.FRAMEBUFFER, buffer);
    if (!shown.buffer) gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, shown.texture, 0);
    gl.readPixels(0, 0, shown.width, shown.height, gl.RGBA, gl.UNSIGNED_BYTE, out);
    return out;
  }
}
