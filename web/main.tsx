import { render } from 'preact'
import { App } from './shell/app.tsx'
import 'uplot/dist/uPlot.min.css'
import './theme.css'
import './shell/shell.css'
import './chat/chat.css'
import './markdown/markdown.css'
import './approvals/approvals.css'
import './money/money.css'
import './docs/docs.css'
import './bounties/bounties.css'
import './council/council.css'
import './palette/palette.css'
import './log/log.css'
import './operations/operations.css'

const root = document.querySelector('#app')
if (root) render(<App />, root)
