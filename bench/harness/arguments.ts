/** `--quick` measures less, for development. */
export const isQuick = process.argv.includes('--quick')

/** The value after an option on the benchmark's command line. */
export function option(name: `--${string}`): string | undefined {
  const at = process.argv.indexOf(name)
  return at < 0 ? undefined : process.argv[at + 1]
}
