/**
 * Real servers for a test that needs one to itself: to kill it, to fill it, to misconfigure it.
 * Tests that only need *a* Redis or Postgres take the shared ones of the run: see shared-servers.ts.
 */
export { startPostgres } from './postgres-server.ts'
export { startRedis } from './redis-server.ts'
