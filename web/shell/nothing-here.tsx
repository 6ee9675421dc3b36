import { followLink } from './route.ts'

/** The page of an address that has no page. */
export const NothingHere = () => (
  <div class="page nothing">
    <h1>Nothing here</h1>
    <p class="quiet">
      The dashboard has no page at <code>{location.pathname.slice(0, 200)}</code>. Press <kbd>Ctrl</kbd> <kbd>K</kbd> to
      find one, or go to the{' '}
      <a href="/" onClick={followLink}>
        chat
      </a>
      .
    </p>
  </div>
)
