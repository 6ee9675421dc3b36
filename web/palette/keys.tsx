import { Drawer } from '../shell/drawer.tsx'

const groups: readonly { name: string; keys: readonly (readonly [string, string])[] }[] = [
  {
    name: 'Everywhere',
    keys: [
      ['Ctrl K or ⌘ K', 'search and commands'],
      ['?', 'these keys'],
      ['Esc', 'close what is open'],
    ],
  },
  {
    name: 'Chat',
    keys: [
      ['Enter', 'send the question'],
      ['Shift Enter', 'a new line'],
    ],
  },
  {
    name: 'Approvals',
    keys: [
      ['J, K', 'the next and the previous action'],
      ['A', 'approve the action in focus'],
      ['D', 'deny it, with a reason'],
      ['E', 'change its arguments'],
    ],
  },
  {
    name: 'Plot of costs',
    keys: [
      ['← →', 'move between hours or days'],
      ['Shift ← →', 'choose several'],
      ['Enter', 'zoom in to them'],
      ['Esc', 'zoom out'],
    ],
  },
]

/** The keys of the dashboard. */
export function Keys({ onClose }: { onClose: () => void }) {
  return (
    <Drawer title="Keys" onClose={onClose}>
      {groups.map(({ name, keys }) => (
        <section key={name} class="keys">
          <h3>{name}</h3>
          <dl>
            {keys.map(([key, does]) => (
              <div key={key}>
                <dt>
                  <kbd>{key}</kbd>
                </dt>
                <dd>{does}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </Drawer>
  )
}
