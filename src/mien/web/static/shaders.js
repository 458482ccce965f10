// @ts-check
// Photo coordinates: the origin is the centre of the top-left pixel, y goes down, as mien's "photo xy". Pictures
// lie in textures with their top row first, and every pass but the last keeps that.

const HEAD = `#version 300 es
precision highp float;
precision highp int;
precision highp sampler2D;
`;

// A rectangle of photo pixels: left, top, right, bottom.
export const RECTANGLE = `${HEAD}
uniform vec4 uBox;
uniform vec2 uSize;
void main() {
  vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
  gl_Position = vec4(mix(uBox.xy, uBox.zw, corner) / uSize * 2.0 - 1.0, 0.0, 1.0);
}`;

// What face.change.composite does to one pixel, for one face of one stage. B is the key at or above the strength, A the
// one below it; without an A flow and colour of B are scaled and its alpha stays, or alpha fades where B fetches texture.
export const COMPOSITE = `${HEAD}
uniform sampler2D uPhoto, uFlowA, uFlowB;    // flow in crop pixels
uniform sampler2D uColourA, uColourB;        // colour in fractions of the full range, and alpha
uniform ivec2 uPhotoSize;
uniform float uShare;                        // from A to B
uniform bool uMixed, uFlows, uFades;
uniform mat3 uToCrop;
uniform mat2 uToPhoto;                       // crop px -> photo px
uniform vec4 uCutA, uCutB;                   // left, top, width, height of the pieces of the crop
out vec4 oColour;

ivec2 mirrored(ivec2 p) {                    // BORDER_REFLECT_101
  ivec2 last = uPhotoSize - 1;
  p = abs(p);
  return clamp(last - abs(last - p), ivec2(0), last);
}

vec3 pixel(ivec2 p) { return texelFetch(uPhoto, mirrored(p), 0).rgb; }

vec4 cubic(float t) {                        // OpenCV's INTER_CUBIC: a = -0.75
  const float A = -0.75;
  float u = t + 1.0, v = 1.0 - t;
  float first = ((A * u - 5.0 * A) * u + 8.0 * A) * u - 4.0 * A;
  float second = ((A + 2.0) * t - (A + 3.0)) * t * t + 1.0;
  float third = ((A + 2.0) * v - (A + 3.0)) * v * v + 1.0;
  return vec4(first, second, third, 1.0 - first - second - third);
}

vec3 looked(vec2 at) {
  at = floor(at * 32.0 + 0.5) / 32.0;        // OpenCV's remap looks up at 1/32 of a pixel
  vec2 base = floor(at), t = at - base;
  ivec2 b = ivec2(base);
  if (t == vec2(0.0)) return pixel(b);
  vec4 wx = cubic(t.x), wy = cubic(t.y);
  vec3 sum = vec3(0.0);
  for (int j = 0; j < 4; j++) {
    ivec2 row = b + ivec2(-1, j - 1);
    sum += wy[j] * (wx[0] * pixel(row) + wx[1] * pixel(row + ivec2(1, 0)) + wx[2] * pixel(row + ivec2(2, 0))
      + wx[3] * pixel(row + ivec2(3, 0)));
  }
  return floor(clamp(sum, 0.0, 1.0) * 255.0 + 0.5) / 255.0;
}

vec2 place(vec4 cut, vec2 crop) { return (crop - cut.xy + 0.5) / cut.zw; }

void main() {
  ivec2 p = ivec2(gl_FragCoord.xy);
  vec2 crop = (uToCrop * vec3(p, 1.0)).xy;
  vec2 b = place(uCutB, crop), a = place(uCutA, crop);
  vec4 colour = textureLod(uColourB, b, 0.0);
  if (uMixed) colour = mix(textureLod(uColourA, a, 0.0), colour, uShare);
  else if (uFades) colour.a *= uShare;
  else colour.rgb *= uShare;
  if (colour.a <= 0.0) discard;
  vec2 flow = vec2(0.0);
  if (uFlows) {
    flow = textureLod(uFlowB, b, 0.0).rg;
    flow = uMixed ? mix(textureLod(uFlowA, a, 0.0).rg, flow, uShare) : uFades ? flow : flow * uShare;
  }
  vec3 here = texelFetch(uPhoto, p, 0).rgb;
  vec3 seen = looked(vec2(p) + uToPhoto * flow);
  oColour = vec4(clamp(floor((here + colour.a * (seen + colour.rgb - here)) * 255.0 + 0.5) / 255.0, 0.0, 1.0), 1.0);
}`;

// What is kept of the base, over what was changed of it: the mask's red says how much.
export const KEEP = `${HEAD}
uniform sampler2D uBase, uChanged, uKeep;
uniform vec2 uSize;
out vec4 oColour;
void main() {
  ivec2 p = ivec2(gl_FragCoord.xy);
  float kept = textureLod(uKeep, gl_FragCoord.xy / uSize, 0.0).r;
  vec3 mixed = mix(texelFetch(uChanged, p, 0).rgb, texelFetch(uBase, p, 0).rgb, kept);
  oColour = vec4(floor(mixed * 255.0 + 0.5) / 255.0, 1.0);
}`;

// The last pass: pictures -> canvas. uView: canvas pixels -> share of the picture (offset, then scale).
export const WHOLE = `${HEAD}
void main() { gl_Position = vec4(vec2(gl_VertexID & 1, gl_VertexID >> 1) * 4.0 - 1.0, 0.0, 1.0); }`;

export const SHOW = `${HEAD}
uniform sampler2D uBefore, uAfter, uKeep;
uniform vec4 uView;
uniform float uHeight, uSplit;               // of the canvas; where "before" ends, in canvas pixels
uniform vec3 uGround;
uniform float uVeil;                         // how clearly it is seen what is kept
const vec3 VEIL = vec3(0.28, 0.56, 1.0);
uniform int uTaps;                           // a side, where the screen shows fewer pixels than there are
uniform bool uPixels;                        // so near that pixels are shown as they are
out vec4 oColour;

vec3 seen(sampler2D picture, vec2 at) {
  if (uPixels) return texelFetch(picture, ivec2(at * vec2(textureSize(picture, 0))), 0).rgb;
  vec3 sum = vec3(0.0);
  for (int j = 0; j < uTaps; j++)
    for (int i = 0; i < uTaps; i++) {
      vec2 off = (vec2(i, j) + 0.5) / float(uTaps) - 0.5;
      sum += textureLod(picture, at + off * uView.zw, 0.0).rgb;
    }
  return sum / float(uTaps * uTaps);
}

void main() {
  vec2 here = vec2(gl_FragCoord.x, uHeight - gl_FragCoord.y);
  vec2 at = here * uView.zw + uView.xy;
  bool outside = any(lessThan(at, vec2(0.0))) || any(greaterThanEqual(at, vec2(1.0)));
  bool before = here.x < uSplit;
  vec3 shown = before ? seen(uBefore, at) : seen(uAfter, at);
  if (!before) shown = mix(shown, VEIL, uVeil * textureLod(uKeep, at, 0.0).r);
  oColour = vec4(outside ? uGround : shown, 1.0);
}`;
