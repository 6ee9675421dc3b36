import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'

/** Decision code gets time, ids and seeds as arguments. `Date.parse` and `new Date(text)` only parse, so they are allowed. */
const impureCalls = [
  { selector: "MemberExpression[object.name='Date'][property.name='now']", message: 'Decision code has no clock: pass the time in.' },
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'Decision code has no clock: pass the time in.' },
  { selector: "MemberExpression[object.name='Math'][property.name='random']", message: 'Decision code has no randomness: pass a seed in.' },
]
const impureGlobals = ['process', 'crypto', 'performance', 'fetch', 'console', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'].map(
  (name) => ({ name, message: 'Decision code does no I/O: pass in its inputs.' }),
)

const doubleCast = {
  selector: 'TSAsExpression > TSAsExpression > TSUnknownKeyword',
  message: 'A cast through unknown hides a wrong type: parse the value instead.',
}
const skippedTest = {
  selector: 'MemberExpression[object.name=/^(test|it|describe|suite)$/][property.name=/^(skip|skipIf|runIf|only|todo|fails)$/]',
  message: 'A test runs everywhere or does not exist.',
}
const sleep = {
  selector: "CallExpression[callee.name='setTimeout'] > Identifier.arguments:first-child[name=/^(resolve|done|ok|r|_)$/]",
  message: 'Tests do not sleep: wait for a position, an event or a line of output.',
}
const missingEnding = {
  regex: '^\\.{1,2}/(?!.*\\.(ts|tsx|css|json)$)',
  message: 'Node runs these files directly: import with the file extension.',
}

export default defineConfig(
  { ignores: ['node_modules/', '.data/', '.tmp/', 'coverage/', 'bench/peers/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'prefer-const': 'error',
      'max-lines': ['error', { max: 400 }],
      'no-restricted-syntax': ['error', doubleCast],
      'no-restricted-imports': ['error', { patterns: [missingEnding] }],
      '@typescript-eslint/ban-ts-comment': ['error', { 'ts-expect-error': true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: true, allowDefaultCaseForExhaustiveSwitch: true },
      ],
      // `return void close()` and `cond ? open() : close()` read well; their results are unused.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      // False positive for Node's own streams as EventEmitter in `once(process.stdout, 'drain')`.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // It ignores that a flag (`signal.aborted`, a closure's variable) may change during an `await`, and would remove the check.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_$', ignoreRestSiblings: true }],
      // `default: return event satisfies never` is how this code proves a switch complete; its template then holds a never.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true, allowNever: true }],
      // An implementation of an asynchronous interface need not await anything.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'no-console': 'error',
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['web/**/*.{ts,tsx}'],
    // Components are as long as their markup.
    rules: { 'no-console': 'error', 'max-lines-per-function': ['error', { max: 80, skipBlankLines: true, skipComments: true }] },
  },
  // The composition root may print when everything else has failed.
  { files: ['src/main.ts'], rules: { 'no-console': 'off' } },
  {
    files: ['src/commands/**/*.ts', 'src/events/*.ts', 'src/gedi/**/*.ts'],
    ignores: ['src/commands/gate/**'],
    rules: {
      'no-restricted-syntax': ['error', doubleCast, ...impureCalls],
      'no-restricted-globals': ['error', ...impureGlobals],
    },
  },
  {
    files: ['tests/**/*.ts'],
    rules: {
      'no-restricted-syntax': ['error', doubleCast, skippedTest],
      // Matchers inside an expected value (`expect.any(String)`) are typed any; the actual values are typed.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      // A line that must not type-check is a test of the types, if it says which rule it shows.
      '@typescript-eslint/ban-ts-comment': ['error', { 'ts-expect-error': 'allow-with-description', minimumDescriptionLength: 10 }],
      // A test that asserts on a value it has just made may use `!`: if it is wrong, the test fails, as it should.
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  {
    files: ['tests/**/*.test.ts'],
    rules: {
      'no-restricted-syntax': ['error', doubleCast, skippedTest, sleep],
      'no-restricted-imports': ['error', { paths: [{ name: 'node:timers/promises', message: sleep.message }], patterns: [missingEnding] }],
    },
  },
)
