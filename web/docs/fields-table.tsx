import { fieldsOf, typeText, type Field, type Schema, type Schemas } from './schema-text.ts'

/** `of`: the operation or the frame, which the name of the table for screen readers has too. */
type FieldsProps = { title: string; of: string; schema: Schema; schemas: Schemas }

/** The fields of a schema as a table, those of inner objects indented; for a value without fields, its type. */
export function Fields({ title, of, schema, schemas }: FieldsProps) {
  const fields = fieldsOf(schema, schemas)
  return (
    <>
      <h3>
        <Marked text={title} />
      </h3>
      {fields.length === 0 ? (
        <p class="quiet small">{typeText(schema, schemas)}</p>
      ) : (
        <FieldTable title={`${title}, ${of}`} fields={fields} />
      )}
    </>
  )
}

export function FieldTable({ title, fields }: { title: string; fields: readonly Field[] }) {
  return (
    <div class="scrolls" tabIndex={0} role="region" aria-label={title}>
      <table class="fields">
        <thead class="unseen">
          <tr>
            <th scope="col">name and type</th>
            <th scope="col">meaning</th>
          </tr>
        </thead>
        <tbody>
          {fields.map(({ name, type, isRequired, about, depth }, index) => (
            <tr key={`${index} ${name}`}>
              <th scope="row" class={`deep-${depth}`}>
                <code>{name}</code>{' '}
                <span class="quiet">
                  {type}
                  {isRequired ? '' : ', optional'}
                </span>
              </th>
              <td>
                <Marked text={about} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** Text in which `…` marks code. */
export const Marked = ({ text }: { text: string }) => (
  <>{text.split('`').map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part))}</>
)
