import { z } from 'zod'
import { maxReasonCharacters } from '../../events/account.ts'

/** Why a person or a program moves money or freezes something, as every event of it records. */
export const Reason = z.string().trim().min(1).max(maxReasonCharacters)
