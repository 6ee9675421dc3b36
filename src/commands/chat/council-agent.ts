import { Principal } from '../../events/identifiers.ts'

/** The subject that asks a person to let a prompt go on. The asker may be that person. */
export const councilAgent = Principal.parse('agent:council')
