import { z } from 'zod'
import { ServerFrame } from '../../api/chat/frames.ts'
import { CliError } from '../failure.ts'

/**
 * A server frame, raw and parsed. `frame` is undefined for a type of a newer server; such a frame may still have an
 * `id`, the point to resume from.
 */
export type ReceivedFrame = { raw: object; id: string | undefined; frame: ServerFrame | undefined }

const AnyFrame = z.looseObject({ type: z.string(), id: z.unknown().optional() })

/** Throws CliError `malformed_frame` for text that is not a frame, and for a known type of another shape. */
export function parseServerFrame(text: string): ReceivedFrame {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw malformed('it is not JSON')
  }
  const raw = AnyFrame.safeParse(json)
  if (!raw.success) throw malformed('it has no type')
  const id = typeof raw.data.id === 'string' ? raw.data.id : undefined
  const frame = ServerFrame.safeParse(json)
  if (frame.success) return { raw: raw.data, id, frame: frame.data }
  const [issue] = frame.error.issues
  if (issue?.code === 'invalid_union' && issue.path[0] === 'type') return { raw: raw.data, id, frame: undefined }
  throw malformed(`${raw.data.type}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`)
}

const malformed = (why: string): CliError =>
  new CliError('malformed_frame', `the server sent a frame that cannot be understood: ${why}`)
