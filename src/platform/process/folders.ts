import { mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/** Far above the depth of any path that a system accepts. */
const maxDepth = 4_096

/**
 * Makes a folder and the folders above it, those that it makes for this user alone. Throws what the file system throws.
 * Node's own recursive `mkdirSync` never returns for a path such as /proc/x, where the parent exists and nothing can be made in it.
 */
export function makeFolders(path: string): void {
  const missing: string[] = []
  for (let folder = resolve(path); !isFolder(folder) && missing.length < maxDepth; folder = dirname(folder))
    missing.push(folder)
  for (const folder of missing.reverse()) {
    try {
      mkdirSync(folder, { mode: 0o700 })
    } catch (error) {
      // Another process was faster, which is as good.
      if (!isFolder(folder)) throw error
    }
  }
}

/** Throws where the path cannot be followed at all: too long, a loop of links, no permission. */
export const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
