import { promisify } from 'node:util'
import { constants, deflate as deflateCallback, deflateSync, inflate as inflateCallback, inflateSync } from 'node:zlib'
import { isCode } from './durable-fs.ts'

const inflateLater = promisify(inflateCallback)
const deflateLater = promisify(deflateCallback)
/** Above this many bytes zlib runs on a thread of the pool, so that it does not hold up the event loop. */
const INLINE_BYTES = 64 * 1024

/**
 * Inflates a zlib stream that may be followed by other bytes, and never makes more than `maxBytes` of it.
 * @returns `null` when the stream is damaged, cut, or longer than `maxBytes`.
 */
export async function inflateWithin(bytes: Uint8Array, maxBytes: number): Promise<Buffer | null> {
  const options = { maxOutputLength: Math.max(maxBytes, 1) }
  try {
    const out = bytes.length > INLINE_BYTES ? await inflateLater(bytes, options) : inflateSync(bytes, options)
    return out.length > maxBytes ? null : out
  } catch (error) {
    if (isZlibRefusal(error)) return null
    throw error
  }
}

/** As `inflateWithin`, with the number of bytes that the stream took. */
export function inflateMeasured(bytes: Uint8Array, maxBytes: number): { data: Buffer; consumed: number } | null {
  try {
    const options = { maxOutputLength: Math.max(maxBytes, 1), info: true }
    // With `info` node returns the engine, too; its types do not say so.
    const out = inflateSync(bytes, options) as unknown as { buffer: Buffer; engine: { bytesWritten: number } }
    return out.buffer.length > maxBytes ? null : { data: out.buffer, consumed: out.engine.bytesWritten }
  } catch (error) {
    if (isZlibRefusal(error)) return null
    throw error
  }
}

/** The first bytes of a zlib stream, from its first `inputBytes` only: enough to read a header, never the whole. */
export function inflateStart(bytes: Uint8Array, inputBytes: number): Buffer | null {
  try {
    return inflateSync(bytes.subarray(0, inputBytes), { finishFlush: constants.Z_SYNC_FLUSH })
  } catch (error) {
    if (isZlibRefusal(error)) return null
    throw error
  }
}

export async function deflate(bytes: Uint8Array): Promise<Buffer> {
  return bytes.length > INLINE_BYTES ? deflateLater(bytes) : deflateSync(bytes)
}

/** The most that zlib makes of `size` bytes, as its `compressBound`, with room for what other encoders add. */
export function deflatedBound(size: number): number {
  return size + (size >> 10) + 128
}

function isZlibRefusal(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false
  return (
    ['Z_DATA_ERROR', 'Z_BUF_ERROR', 'Z_NEED_DICT'].includes(String(error.code)) || isCode(error, 'ERR_BUFFER_TOO_LARGE')
  )
}
