import { FieldTable, Fields, Marked } from './fields-table.tsx'
import type { Endpoint } from './reference.ts'
import { sampleOf, typeText, type Field, type Schema, type Schemas } from './schema-text.ts'

/** One operation: what it does, and opened, what it takes and gives. */
export function EndpointView({ endpoint, schemas, isOpen }: { endpoint: Endpoint; schemas: Schemas; isOpen: boolean }) {
  const { method, path, summary, operationId } = endpoint
  return (
    <details class="endpoint" id={operationId} open={isOpen}>
      <summary>
        <span class={`method ${method}`}>{method.toUpperCase()}</span>
        <code>{path}</code>
        <span class="quiet">
          <Marked text={summary} />
        </span>
      </summary>
      <Details endpoint={endpoint} schemas={schemas} />
    </details>
  )
}

function Details({ endpoint, schemas }: { endpoint: Endpoint; schemas: Schemas }) {
  const { method, path, parameters, requestBody, responses } = endpoint
  const name = `${method.toUpperCase()} ${path}`
  const body = requestBody?.content['application/json']?.schema
  return (
    <div class="details">
      <p class="small">{scopeText(endpoint)}</p>
      <pre tabIndex={0} aria-label="an example with curl">
        {curl(endpoint, body, schemas)}
      </pre>
      {parameters.length === 0 ? null : (
        <>
          <h3>Parameters</h3>
          <FieldTable title={`Parameters, ${name}`} fields={parameters.map((one) => fieldOf(one, schemas))} />
        </>
      )}
      {body ? <Fields title="Body" of={name} schema={body} schemas={schemas} /> : null}
      {Object.entries(responses)
        .filter(([status]) => /^[23]/.test(status))
        .map(([status, { description, content = {} }]) => {
          const [answer] = Object.values(content)
          const others = Object.keys(content).slice(1)
          return (
            <section key={status}>
              {answer?.schema ? (
                <Fields title={`Answer ${status}: ${description}`} of={name} schema={answer.schema} schemas={schemas} />
              ) : (
                <h3>
                  <Marked text={`Answer ${status}: ${description}`} />
                </h3>
              )}
              {others.length === 0 ? null : <p class="quiet small">Also as {others.join(', ')}.</p>}
            </section>
          )
        })}
      <p class="quiet small">Other answers are problems (RFC 9457) with a stable code.</p>
    </div>
  )
}

function scopeText({ security: [needed] }: Endpoint): string {
  if (!needed) return 'Needs no token.'
  const [scope] = needed.token ?? []
  return scope === undefined ? 'Needs any token.' : `Needs the scope ${scope}.`
}

type Parameter = Endpoint['parameters'][number]

const fieldOf = ({ name, in: place, required, description, schema }: Parameter, schemas: Schemas): Field => {
  const preset = schema.default === undefined ? '' : `By default ${JSON.stringify(schema.default)}.`
  const about = [place === 'query' ? '' : `In the ${place}.`, description ?? schema.description ?? '', preset]
  return {
    name,
    type: typeText(schema, schemas),
    isRequired: required,
    about: about.filter(Boolean).join(' '),
    depth: 0,
  }
}

function curl({ method, path, security, parameters }: Endpoint, body: Schema | undefined, schemas: Schemas): string {
  const lines = [
    `curl ${method === 'get' ? '' : `-X ${method.toUpperCase()} `}'${location.origin}${path}'`,
    ...(security.length > 0 ? ['-H "Authorization: Bearer $COUNCIL_TOKEN"'] : []),
    ...(parameters.some(({ name, required }) => name === 'Idempotency-Key' && required)
      ? ['-H "Idempotency-Key: $(uuidgen -7)"']
      : []),
    ...(body ? ["-H 'Content-Type: application/json'", `-d '${JSON.stringify(sampleOf(body, schemas))}'`] : []),
  ]
  return lines.join(' \\\n  ')
}
