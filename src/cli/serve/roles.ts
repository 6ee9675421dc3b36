import type { Role } from './role.ts'

export type RoleEntry = {
  /** Loads the code of the role, which the command line does not need for its help. */
  load: () => Promise<Role>
  needsModel?: boolean
  listens?: boolean
}

/**
 * The roles of a council's process, in the order in which help lists them; they start in the reverse order. Every subset runs on
 * its own; the default is all in one.
 */
const roles = {
  api: { load: async () => (await import('./api-role.ts')).apiRole, listens: true },
  worker: { load: async () => (await import('./worker-role.ts')).workerRole, needsModel: true },
  projector: { load: async () => (await import('./projector-role.ts')).projectorRole },
  scheduler: { load: async () => (await import('./scheduler-role.ts')).schedulerRole },
  archiver: { load: async () => (await import('./archiver-role.ts')).archiverRole },
} satisfies Record<string, RoleEntry>
export type RoleName = keyof typeof roles
export const roleNames = Object.keys(roles) as RoleName[]

export const roleEntry = (name: RoleName): RoleEntry => roles[name]

/** Roles from a comma-separated list; null when one of them does not exist. */
export function parseRoles(text: string): RoleName[] | null {
  const given = text.split(',').map((role) => role.trim())
  return given.every((role): role is RoleName => Object.hasOwn(roles, role)) ? [...new Set(given)] : null
}
