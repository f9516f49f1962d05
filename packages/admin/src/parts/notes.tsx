import { type ReactNode, useState } from 'react';
import type { ApiError } from '../api/client.ts';
import type { Loaded } from '../api/use-load.ts';
import { facts } from '../lib/facts.ts';
import { t } from '../strings/index.ts';

/** What happened, what to do about it, and what to tell somebody who looks into the log. */
export function Problem({ error, retry }: { error: ApiError; retry?: (() => void) | undefined }) {
  const [copied, setCopied] = useState(false);
  const signedOut = error.code === 'not_authenticated' || error.code === 'xsrf';
  const next = encodeURIComponent(location.pathname + location.search);
  const report = t.problem.report(error.status, error.code, error.requestId ?? '');
  const copy = () => navigator.clipboard.writeText(report).then(() => setCopied(true));
  return (
    <div className="note bad stack tight" role="alert">
      <p>{error.message}</p>
      <div className="row">
        {signedOut ? (
          <a className="button slim" href={`${facts().hub}login?next=${next}`}>
            {t.problem.signIn}
          </a>
        ) : (
          retry && (
            <button type="button" className="slim" onClick={retry}>
              {t.problem.retry}
            </button>
          )
        )}
        {error.requestId && (
          <button type="button" className="quiet" onClick={copy}>
            {copied ? t.problem.copied : t.problem.copy}
          </button>
        )}
      </div>
    </div>
  );
}

/** Shown late, so that what is quick does not blink. */
export function Waiting({ what }: { what: string }) {
  return (
    <p className="waiting muted" role="status">
      {t.problem.loading(what)}
    </p>
  );
}

/** Nothing there, and what to do about that. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <p>
        <strong>{title}</strong>
      </p>
      {children && <div className="muted">{children}</div>}
    </div>
  );
}

/** Something loaded: waiting, broken or there. What is there stays while newer data is on its way. */
export function Load<T>({ of, what, children }: { of: Loaded<T>; what: string; children: (data: T) => ReactNode }) {
  return (
    <>
      {of.error && <Problem error={of.error} retry={of.reload} />}
      {of.data !== undefined ? children(of.data) : of.loading && <Waiting what={what} />}
    </>
  );
}
