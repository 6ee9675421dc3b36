import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { ownFiles } from '../support/repository.ts'

const files = ownFiles.filter((file) => file.startsWith('src/client/'))
/** The dashboard's whole code has about 32 KB. */
const maxBundleBytes = 8 * 1024

test('the client is one small file without any module of Node or of a package', async () => {
  const bundle = await rolldown({
    input: 'src/client/client.ts',
    platform: 'browser',
    external: (id) => !/^[./]/.test(id),
  })
  const { output } = await bundle.write({ dir: '.tmp/browser', minify: true })
  await bundle.close()
  const [chunk] = output
  expect(output).toHaveLength(1)
  expect([chunk.imports, chunk.dynamicImports]).toEqual([[], []])
  expect(chunk.moduleIds.map((id) => /src\/.*/.exec(id)?.[0]).toSorted()).toEqual(files.toSorted())
  expect(gzipSync(chunk.code).length).toBeLessThan(maxBundleBytes)
})

test('the client needs only what browsers have', () => {
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ESNext,
    lib: ['lib.esnext.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
    types: [],
    module: ts.ModuleKind.NodeNext,
    allowImportingTsExtensions: true,
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: true,
    noEmit: true,
  }
  const program = ts.createProgram(files, options)
  const problems = files
    .map((file) => program.getSourceFile(file))
    .flatMap((source) => [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)])
    .map(({ file, messageText }) => `${file?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`)
  expect(files.length).toBeGreaterThan(5)
  expect(problems).toEqual([])
})
