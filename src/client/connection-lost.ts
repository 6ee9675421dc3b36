/** A lost connection; answers continue without it. `refused`: no server listens there. */
export class ConnectionLost extends Error {
  readonly refused: boolean

  constructor(why: string, { refused = false } = {}) {
    super(why)
    this.name = 'ConnectionLost'
    this.refused = refused
  }
}
