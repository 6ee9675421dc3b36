import { Component, createElement, type ComponentChildren, type FunctionComponent } from 'preact'

/** A component that is drawn again only when its properties differ. */
export function memo<Props extends object>(
  of: FunctionComponent<Props>,
  isSame: (before: Props, after: Props) => boolean,
): FunctionComponent<Props> {
  class Remembered extends Component<Props> {
    override shouldComponentUpdate(after: Props): boolean {
      return !isSame(this.props, after)
    }
    override render(): ComponentChildren {
      return createElement(of, this.props as Props)
    }
  }
  return (props) => createElement(Remembered, props)
}
