/** Prints `ready`, and runs these steps one after another on SIGTERM. */
export function readyUntilSigterm(...steps: (() => unknown)[]): void {
  console.log('ready')
  process.on('SIGTERM', () => {
    void (async () => {
      for (const step of steps) await step()
    })()
  })
}
