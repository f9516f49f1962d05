import { useState } from 'react';
import { call, serverPath } from '../api/client.ts';
import type { LiveServer, ServerLog } from '../api/types.ts';
import { useLoad } from '../api/use-load.ts';
import { t } from '../strings/index.ts';
import { Dialog } from './dialog.tsx';
import { Load } from './notes.tsx';
import { Scroller } from './scroller.tsx';
import { complain, say } from './toast.tsx';

const LINES = 300;

const labelOf = ({ user, name }: LiveServer) => t.servers.label(user, name);

export async function startServer(server: LiveServer): Promise<void> {
  await call('POST', serverPath(server.user, server.name), {});
  say(t.servers.started(labelOf(server)), () => void stopServer(server).catch(complain));
}

export async function stopServer(server: LiveServer): Promise<void> {
  await call('DELETE', serverPath(server.user, server.name));
  say(t.servers.stopped(labelOf(server)), () => void startServer(server).catch(complain));
}

/** What can be done with one server now. Stopping asks nothing: it can be started again, and says so. */
export function ServerActions({
  server,
  hasLog,
  changed,
}: {
  server: LiveServer;
  hasLog: boolean;
  changed?: () => void;
}) {
  const [log, setLog] = useState(false);
  const [busy, setBusy] = useState(false);
  const label = labelOf(server);
  const off = server.phase === 'stopped';
  const act = (work: Promise<void>) => {
    setBusy(true);
    work.then(changed, complain).finally(() => setBusy(false));
  };
  const name = (action: string) => ({ 'aria-label': t.servers.actOn(action, label) });
  const ending = server.wanted === 'stopped' && !off;
  const stop = server.phase === 'ready' ? t.servers.stop : t.servers.cancel;
  return (
    <span className="row tight">
      {server.phase === 'ready' && !ending && (
        <a className="button slim" href={server.url} {...name(t.servers.open)}>
          {t.servers.open}
        </a>
      )}
      {off && (
        <button
          type="button"
          className="slim"
          disabled={busy}
          onClick={() => act(startServer(server))}
          {...name(t.servers.start)}
        >
          {t.servers.start}
        </button>
      )}
      {!off && !ending && (
        <button
          type="button"
          className="slim danger"
          disabled={busy}
          onClick={() => act(stopServer(server))}
          {...name(stop)}
        >
          {stop}
        </button>
      )}
      {hasLog && (
        <button type="button" className="slim" onClick={() => setLog(true)} {...name(t.servers.log)}>
          {t.servers.log}
        </button>
      )}
      {log && <LogDialog server={server} close={() => setLog(false)} />}
    </span>
  );
}

function LogDialog({ server, close }: { server: LiveServer; close: () => void }) {
  const log = useLoad<ServerLog>(
    `${serverPath(server.user, server.name)}/log?lines=${LINES}`.replace('/users/', '/atrium/users/'),
  );
  const label = labelOf(server);
  return (
    <Dialog title={t.servers.logTitle(label)} close={close}>
      <Load of={log} what={t.servers.log}>
        {({ lines, from }) => (
          <>
            {t.servers.logFrom[from] && <p className="muted">{t.servers.logFrom[from]}</p>}
            {lines.length === 0 ? (
              <p className="muted">{t.servers.logEmpty}</p>
            ) : (
              <Scroller label={t.servers.logTitle(label)} fromEnd={lines}>
                <pre className="log tall">{lines.join('\n')}</pre>
              </Scroller>
            )}
            <div className="row">
              <button type="button" className="slim" disabled={log.loading} onClick={log.reload}>
                {t.servers.logAgain}
              </button>
            </div>
          </>
        )}
      </Load>
    </Dialog>
  );
}
