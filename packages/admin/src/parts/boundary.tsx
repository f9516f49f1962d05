import { Component, type ReactNode } from 'react';
import { t } from '../strings/index.ts';

interface Props {
  children: ReactNode;
}

/** A view with a fault in it says so and leaves the rest of the page alone. The browser's console has the details. */
export class Boundary extends Component<Props, { broken: boolean }> {
  override state = { broken: false };

  static getDerivedStateFromError(): { broken: boolean } {
    return { broken: true };
  }

  override render(): ReactNode {
    if (!this.state.broken) return this.props.children;
    return (
      <div className="note bad stack tight" role="alert">
        <p>{t.problem.broken}</p>
        <div>
          <button type="button" className="slim" onClick={() => location.reload()}>
            {t.problem.reload}
          </button>
        </div>
      </div>
    );
  }
}
