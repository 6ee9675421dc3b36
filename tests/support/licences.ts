import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const Lockfile = z.object({
  packages: z.record(
    z.string(),
    z.object({
      dev: z.boolean().optional(),
      optional: z.boolean().optional(),
      license: z.string().optional(),
      resolved: z.string().optional(),
    }),
  ),
})
const Manifest = z.object({ license: z.string().optional() })

export const readLockfile = () => Lockfile.parse(JSON.parse(readFileSync('package-lock.json', 'utf8')))

/**
 * What each package that runs in production is licensed under, by its path. From its own manifest;
 * a package for another platform is not installed here, so there the lockfile's word is taken.
 */
export function productionLicences(): Map<string, string> {
  const packages = Object.entries(readLockfile().packages).filter(([path, entry]) => path !== '' && !entry.dev)
  return new Map(
    packages.map(([path, entry]) => {
      const manifest = join(path, 'package.json')
      const own = existsSync(manifest) ? Manifest.parse(JSON.parse(readFileSync(manifest, 'utf8'))).license : undefined
      return [path, own ?? entry.license ?? 'none named']
    }),
  )
}

const permissive = new Set([
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'BlueOak-1.0.0',
  'Unlicense',
  'CC0-1.0',
  'PostgreSQL',
  'Python-2.0',
])

/** Whether an SPDX expression lets us choose permissive terms: all sides of an AND, one side of an OR. */
export function isPermissive(expression: string): boolean {
  const sides = expression.replaceAll(/[()]/g, '').split(' OR ')
  return sides.some((side) => side.split(' AND ').every((licence) => permissive.has(licence.trim())))
}
