import { mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/** Far above the depth of any path that a system accepts. */
const maxDepth = 4_096

/**
 * Creates a folder and its missing parents, for this user alone. Throws the errors of the file system.
 * Node's own recursive `mkdirSync` never returns for a path such as /proc/x, whose parent exists and accepts no new folder.
 */
export function makeFolders(path: string): void {
  const missing: string[] = []
  for (let folder = resolve(path); !isFolder(folder) && missing.length < maxDepth; folder = dirname(folder))
    missing.push(folder)
  for (const folder of missing.reverse()) {
    try {
      mkdirSync(folder, { mode: 0o700 })
    } catch (error) {
      // Another process may have created it meanwhile.
      if (!isFolder(folder)) throw error
    }
  }
}

/** Throws if the path cannot be resolved: it is too long, has a loop of links, or is not permitted. */
export const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
