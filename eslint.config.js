import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'

/** Code that decides gets time, ids and seeds passed in. `Date.parse` and `new Date(text)` only read, so they stay allowed. */
const impureCalls = [
  { selector: "MemberExpression[object.name='Date'][property.name='now']", message: 'What decides has no clock: pass the time in.' },
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'What decides has no clock: pass the time in.' },
  { selector: "MemberExpression[object.name='Math'][property.name='random']", message: 'What decides has no randomness: pass a seed in.' },
]
const impureGlobals = ['process', 'crypto', 'performance', 'fetch', 'console', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'].map(
  (name) => ({ name, message: 'What decides touches nothing outside: pass in what it needs.' }),
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
  regex: '^\\.{1,2}/(?!.*\\.(ts|json)$)',
  message: 'Node runs these files as they are: name the file with its ending.',
}

export default defineConfig(
  { ignores: ['node_modules/', '.data/', '.tmp/', 'coverage/', 'web/', 'bench/peers/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
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
      // `return void close()` and `cond ? open() : close()` read well; what they return is nobody's value.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      // Takes Node's own streams for impostors of EventEmitter in `once(process.stdout, 'drain')`.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // It takes a flag that changed during an `await` (`signal.aborted`, a closure's variable) for what it was before, and would have the check removed.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_$', ignoreRestSiblings: true }],
      // `default: return event satisfies never` is how the house proves a switch complete; its template then holds a never.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true, allowNever: true }],
      // An implementation of an asynchronous interface need not wait for anything itself.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'no-console': 'error',
      'max-lines-per-function': ['error', { max: 100, skipBlankLines: true, skipComments: true }],
    },
  },
  // The composition root has the last word when everything else has failed.
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
      // Matchers inside an expected value (`expect.any(String)`) are typed any; what they are compared with is not.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      // A line that must not type-check is a test of the types, if it says which rule it shows.
      '@typescript-eslint/ban-ts-comment': ['error', { 'ts-expect-error': 'allow-with-description', minimumDescriptionLength: 10 }],
      // A test that asserts on a value it has just made may say `!`: when it is wrong the test fails, which is its job.
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
