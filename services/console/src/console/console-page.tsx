import { useEffect, useState } from 'preact/hooks';
import { NoticeRegion } from '../parts/notices.tsx';
import type { App } from './app.ts';
import { KeyDialog } from './key-dialog.tsx';
import { PageHeader } from './page-header.tsx';
import { rememberSession } from './recent-sessions.ts';
import { SessionView } from './session-view.tsx';
import { StartView } from './start-view.tsx';

/** The whole console: the list of sessions, or the one that the address names (`/?session=…`). */
export function ConsolePage({ app }: { app: App }) {
  const [sessionId, setSessionId] = useState(sessionOfAddress);
  useEffect(() => {
    const follow = () => setSessionId(sessionOfAddress());
    addEventListener('popstate', follow);
    return () => removeEventListener('popstate', follow);
  }, []);
  useEffect(() => {
    document.title = sessionId ? `${sessionId} · Facepass` : 'Facepass';
  }, [sessionId]);
  const open = (id: string | null) => {
    if (id) rememberSession(id);
    history.pushState(null, '', id ? `/?${new URLSearchParams({ session: id })}` : '/');
    setSessionId(id);
  };
  return (
    <>
      <PageHeader app={app} onHome={() => open(null)} />
      <main class="page">
        {sessionId ? (
          <SessionView key={sessionId} app={app} sessionId={sessionId} onLeave={() => open(null)} />
        ) : (
          <StartView onOpen={open} />
        )}
      </main>
      <NoticeRegion notices={app.notices} />
      {app.askForKey.value && <KeyDialog app={app} />}
    </>
  );
}

function sessionOfAddress(): string | null {
  return new URLSearchParams(location.search).get('session');
}
