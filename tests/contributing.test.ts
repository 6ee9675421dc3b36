import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { read } from './support/repository.ts'

const sections = read('CONTRIBUTING.md').split(/^### /m).slice(1)

/** Each step of a walkthrough: the files it names, and the identifiers that the first of them must contain. */
const steps = sections.flatMap((section) => {
  const [title = ''] = section.split('\n')
  return section
    .split(/^\d+\. /m)
    .slice(1)
    .map((step) => {
      const quoted = [...step.matchAll(/`([^`]+)`/g)].map(([, text]) => text ?? '')
      const files = quoted.filter((text) => /^(src|tests|config|docs)\//.test(text))
      return { title, files, identifiers: quoted.filter((text) => /^[A-Za-z]+$/.test(text)) }
    })
})

describe('the walkthroughs in CONTRIBUTING.md', () => {
  test('name only files that exist, in every step', () => {
    expect(sections).toHaveLength(3)
    expect(steps.filter(({ files }) => files.length === 0 || !files.every((file) => existsSync(file)))).toEqual([])
  })

  test('name only identifiers that the first file of the step has', () => {
    const wrong = steps.flatMap(({ files: [file = ''], identifiers }) =>
      identifiers.filter((name) => !read(file).includes(name)).map((name) => `${file}: ${name}`),
    )
    expect(wrong).toEqual([])
  })

  test('touch at most 6 files for a command, and 4 for a provider, tests and documents not counted', () => {
    const touched = (title: string) =>
      new Set(
        steps
          .filter((step) => step.title === title)
          .flatMap(({ files }) => files.filter((file) => !/^(tests|docs)\//.test(file))),
      ).size
    expect(touched('Add a command')).toBeLessThanOrEqual(6)
    expect(touched('Add a model provider')).toBeLessThanOrEqual(4)
  })
})
