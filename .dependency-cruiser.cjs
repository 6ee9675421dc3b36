/**
 * The architecture as rules: data flows one way, so imports go one way.
 * `node tests/rules.ts` checks them, and also fails if the tool skipped a file.
 */

/** Left to right: each layer imports only from layers to its left. Layers in one cell do not import each other. */
const layers = [
  ['platform'],
  ['events'],
  ['gedi'],
  ['commands', 'projections'],
  ['agents'],
  ['api'],
  ['client'],
  ['cli'],
]

const inSource = (folders) => `^src/(${folders.join('|')})/`

const oneWay = layers.flatMap((cell, index) =>
  cell.map((folder) => ({
    name: `${folder}-imports-only-to-its-left`,
    comment: 'platform < events < gedi < commands, projections < agents < api < client < cli',
    severity: 'error',
    from: { path: inSource([folder]) },
    to: { path: '^src/', pathNot: inSource([folder, ...layers.slice(0, index).flat()]) },
  })),
)

const eventTypes = '^src/events/[^/]+[.]ts$'
const deciders = '^src/commands/(?!gate/)'
/** Files of a command folder that other command folders may import. Such a folder imports only from those before it. */
const commandHelpers = {
  treasury: ['incurred-cost.ts', 'movement.ts', 'reason.ts'],
  budget: ['daily-budget.ts', 'paid-work.ts', 'settlement.ts'],
  approval: ['exact-arguments.ts', 'governed.ts'],
}
const commandFolders = '^src/commands/(?!aggregates/|gate/)([^/]+)/'
const commandBasics = '^src/commands/(aggregates/|decider[.]ts$|paid-calls[.]ts$|refusals[.]ts$|return-window[.]ts$)'
const counting = '^src/gedi/'
const codedError = '^src/platform/coded-error[.]ts$'
const wireTypes = '^src/api/chat/frames[.]ts$'
const zod = '(^|/)node_modules/zod/'

module.exports = {
  forbidden: [
    ...oneWay,
    {
      name: 'one-composition-root',
      comment: 'src/main.ts alone wires the layers: it is the only file directly in src/, and nothing imports it',
      severity: 'error',
      from: {},
      to: { path: '^src/[^/]+$' },
    },
    {
      name: 'no-file-outside-the-layers',
      severity: 'error',
      from: { path: '^src/', pathNot: [inSource(layers.flat()), '^src/main[.]ts$'] },
      to: {},
    },
    {
      name: 'event-types-are-pure',
      comment: 'event types import only each other, zod and the base of coded errors: no Redis, no clock, no files',
      severity: 'error',
      from: { path: eventTypes },
      to: { pathNot: [eventTypes, codedError, zod] },
    },
    {
      name: 'deciders-are-pure',
      comment:
        'commands and aggregates import only each other, event types, vote counting and zod; the gate is the shell around them; exact-arguments.ts alone hashes',
      severity: 'error',
      from: { path: deciders, pathNot: '^src/commands/approval/exact-arguments[.]ts$' },
      to: { pathNot: [deciders, eventTypes, counting, zod] },
    },
    {
      name: 'command-folders-import-named-helpers',
      comment:
        'a command folder knows aggregates, decider.ts, paid-calls.ts, refusals.ts, its own files and the named helpers',
      severity: 'error',
      from: { path: commandFolders },
      to: {
        path: '^src/commands/',
        pathNot: [
          '^src/commands/$1/',
          commandBasics,
          ...Object.entries(commandHelpers).flatMap(([folder, files]) =>
            files.map((file) => `^src/commands/${folder}/${file.replace('.', '[.]')}$`),
          ),
        ],
      },
    },
    ...Object.keys(commandHelpers).map((folder, index, folders) => ({
      name: `${folder}-commands-import-no-later-folder`,
      comment: 'a command folder with named helpers imports only from such folders before it',
      severity: 'error',
      from: { path: `^src/commands/${folder}/` },
      to: { path: commandFolders, pathNot: folders.slice(0, index + 1).map((earlier) => `^src/commands/${earlier}/`) },
    })),
    {
      name: 'hashing-arguments-is-pure',
      severity: 'error',
      from: { path: '^src/commands/approval/exact-arguments[.]ts$' },
      to: { pathNot: [eventTypes, '^crypto$'] },
    },
    {
      name: 'aggregates-and-gate-know-no-command',
      comment: 'the gate governs the commands of agents',
      severity: 'error',
      from: { path: '^src/commands/(aggregates|gate)/' },
      to: {
        path: '^src/commands/',
        pathNot: ['^src/commands/$1/', commandBasics, '^src/commands/approval/governed[.]ts$'],
      },
    },
    {
      name: 'counting-is-pure',
      comment:
        'an auditor must be able to recount any vote from its ballots alone; seed.ts alone may hash, to draw by lot',
      severity: 'error',
      from: { path: counting, pathNot: '^src/gedi/seed[.]ts$' },
      to: { pathNot: [counting, eventTypes, codedError, zod] },
    },
    {
      name: 'drawing-by-lot-is-pure',
      severity: 'error',
      from: { path: '^src/gedi/seed[.]ts$' },
      to: { pathNot: [counting, '^crypto$'] },
    },
    {
      name: 'client-runs-in-a-browser',
      comment:
        'the client knows its own files and the types of the wire: no package, no part of Node, nothing of the server',
      severity: 'error',
      from: { path: '^src/client/' },
      to: { pathNot: ['^src/client/', wireTypes] },
    },
    {
      name: 'client-imports-wire-types-as-types',
      severity: 'error',
      from: { path: '^src/client/' },
      to: { path: wireTypes, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'nothing-imports-tests',
      severity: 'error',
      from: { pathNot: ['^tests/', '^vitest[.].*config[.]ts$'] },
      to: { path: '^tests/' },
    },
    {
      name: 'production-needs-no-development-package',
      severity: 'error',
      from: { path: '^(src|migrations)/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
    { name: 'no-circle', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolvable-import', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
    exclude: { path: '^bench/peers/' },
  },
}
