import type { TokenJson } from '@atrium/hub/api';
import { useState } from 'react';
import { call, part } from '../api/client.ts';
import { useLoad } from '../api/use-load.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Load } from '../parts/notes.tsx';
import { Ago } from '../parts/time.tsx';
import { complain, say } from '../parts/toast.tsx';
import { t } from '../strings/index.ts';

type Token = Pick<TokenJson, 'id' | 'note' | 'oauth_client' | 'scopes' | 'last_activity' | 'expires_at'>;

/** What acts in somebody's name; a revoked one cannot be brought back, so it is asked for. */
export function PersonTokens({ name }: { name: string }) {
  const tokens = useLoad<{ api_tokens: Token[] }>(`/users/${part(name)}/tokens`);
  const [asking, setAsking] = useState<Token>();
  const label = ({ note, oauth_client: client }: Token) => note || client;
  const revoke = async (token: Token) => {
    setAsking(undefined);
    await call('DELETE', `/users/${part(name)}/tokens/${part(token.id)}`);
    tokens.reload();
    say(t.person.revoked);
  };
  return (
    <section className="card" aria-labelledby="person-tokens">
      <h2 id="person-tokens">{t.person.tokens}</h2>
      <Load of={tokens} what={t.person.tokens}>
        {({ api_tokens: all }) =>
          all.length === 0 ? (
            <p className="muted">{t.person.noTokens}</p>
          ) : (
            <ul className="rows close">
              {all.map((token) => (
                <li key={token.id}>
                  <span className="grow stack none">
                    <span>
                      {label(token)} <code className="muted">{token.id}</code>
                    </span>
                    <span className="muted small">
                      {t.person.tokenUsed}: <Ago at={token.last_activity} /> · {t.person.tokenEnds}:{' '}
                      <Ago at={token.expires_at} never={t.person.tokenNever} />
                    </span>
                  </span>
                  <button
                    type="button"
                    className="slim danger"
                    aria-label={t.person.revokeNamed(label(token))}
                    onClick={() => setAsking(token)}
                  >
                    {t.person.revoke}
                  </button>
                </li>
              ))}
            </ul>
          )
        }
      </Load>
      {asking && (
        <Dialog title={t.person.revokeNamed(label(asking))} close={() => setAsking(undefined)}>
          <p>{t.person.revokeAsk(label(asking))}</p>
          <div className="row">
            <button type="button" className="danger" onClick={() => void revoke(asking).catch(complain)}>
              {t.person.revokeNamed(label(asking))}
            </button>
            <button type="button" onClick={() => setAsking(undefined)}>
              {t.cancel}
            </button>
          </div>
        </Dialog>
      )}
    </section>
  );
}
