// @ts-check
// Reads what /change sends: key after key, each behind its length. See pipeline/gesture.py, `packed`.

/**
 * @typedef {{face: number, matrix: number[], box: [number, number, number, number], fades: boolean, flow: number | null, colour: number}} Piece
 * @typedef {{share: number, size: [number, number], notes: string[], stages: Record<string, Piece[]>, planes: ArrayBuffer, start: number}} Key
 */

/** One message as a key. @param {Uint8Array} bytes @returns {Key} */
export function unpacked(bytes) {
  const whole = bytes.slice(); // aligned, as its planes are
  if (new TextDecoder().decode(whole.subarray(0, 4)) !== "MIC2") throw new Error("not a Change");
  const length = new DataView(whole.buffer).getUint32(4, true);
  const head = JSON.parse(new TextDecoder().decode(whole.subarray(8, 8 + length)));
  return { ...head, planes: whole.buffer, start: 8 + length };
}

/** The keys of an answer as they come. @param {Response} answer @returns {AsyncGenerator<Key>} */
export async function* keysOf(answer) {
  const reader = /** @type {ReadableStream<Uint8Array>} */ (answer.body).getReader();
  let held = new Uint8Array(0);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const more = new Uint8Array(held.length + value.length);
      more.set(held);
      more.set(value, held.length);
      held = more;
      while (held.length >= 4) {
        const end = 4 + new DataView(held.buffer, held.byteOffset).getUint32(0, true);
        if (held.length < end) break;
        yield unpacked(held.subarray(4, end));
        held = held.slice(end);
      }
    }
  } finally {
    reader.cancel().catch(() => {}); // who stops listening stops the work, too
  }
}
