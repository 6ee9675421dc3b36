/** The metadata that the gate writes for a full context, for the peers and the limit. */
export const eventMetadata = (commandId: string, eventId: string, occurredAt: string) => ({
  commandId,
  requestId: commandId,
  correlationId: commandId,
  causationId: commandId,
  actor: 'bench',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  contentHash: 'x'.repeat(22),
  occurredAt,
  eventId,
})
