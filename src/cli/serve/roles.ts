/** What a process of the council may do. Every subset runs on its own; the default is all in one. */
export const roles = ['api', 'worker', 'projector', 'archiver'] as const
export type Role = (typeof roles)[number]

/** Roles from a comma list; null when one of them does not exist. */
export function parseRoles(text: string): Role[] | null {
  const given = text.split(',').map((role) => role.trim())
  return given.every((role): role is Role => (roles as readonly string[]).includes(role)) ? [...new Set(given)] : null
}
