import { useComputed } from '@preact/signals';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { SelfieSearch } from '../faces/selfie-search.ts';
import { Button } from '../parts/button.tsx';
import { Icon } from '../parts/icon.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { Library } from '../photos/library.ts';
import type { SessionStatus } from '../service.ts';
import { limitsOf, withKey, type App } from './app.ts';
import { EraseDialog } from './erase-dialog.tsx';
import { GuestsPanel } from './guests-panel.tsx';
import { JobsPanel, useJobs } from './jobs-panel.tsx';
import { KeyProblem, KeyWanted, wantsKey } from './key-problem.tsx';
import { PhotosPanel } from './photos-panel.tsx';
import { forgetSession } from './recent-sessions.ts';
import { fetchSamples, SAMPLE_SESSION } from './samples.ts';
import { SearchPanel } from './search-panel.tsx';

const TABS = [
  { id: 'photos', label: 'Photos', icon: 'image' },
  { id: 'search', label: 'Find a person', icon: 'search' },
  { id: 'jobs', label: 'Jobs', icon: 'folder' },
  { id: 'guests', label: 'Guests', icon: 'link' },
] as const;

type TabId = (typeof TABS)[number]['id'];

/** One session: its photos, the search among them, and the guests' link. */
export function SessionView({ app, sessionId, onLeave }: { app: App; sessionId: string; onLeave: () => void }) {
  const { library, search } = useSessionParts(app, sessionId);
  const [tab, setTab] = useState<TabId>('photos');
  const [erasing, setErasing] = useState(false);
  const { status, problem, refresh } = useStatus(app, sessionId, library);
  const { jobs, refresh: refreshJobs } = useJobs(app, sessionId);
  const tabs = TABS.filter(({ id }) => id !== 'jobs' || jobs.length > 0);
  useSamplesAtFirst(app, sessionId, library);
  const findPerson = (face: Blob) => {
    setTab('search');
    void search.searchBy(face);
  };
  const erased = () => {
    library.close();
    search.reset();
    forgetSession(sessionId);
    app.notices.say({ text: `Erased session ${sessionId}.` });
    onLeave();
  };
  return (
    <>
      <header class="session-header">
        <button type="button" class="back" onClick={onLeave}>
          <Icon name="left" /> All sessions
        </button>
        <h1>{sessionId}</h1>
        <StatusLine status={status} />
        <Button
          look="quiet"
          icon="trash"
          disabled={!status?.indexed}
          onClick={() => withKey(app, () => setErasing(true))}
        >
          Erase session
        </Button>
      </header>
      {wantsKey(app) && <KeyWanted app={app} onEntered={refresh} />}
      {problem !== null && <KeyProblem app={app} error={problem} onEntered={refresh} />}
      <Tabs label="Session" tabs={tabs} current={tab} onChange={setTab}>
        {tab === 'photos' && <PhotosPanel app={app} library={library} onChanged={refresh} onFindPerson={findPerson} />}
        {tab === 'search' && <SearchPanel app={app} sessionId={sessionId} library={library} search={search} />}
        {tab === 'jobs' && <JobsPanel app={app} jobs={jobs} onChanged={refreshJobs} />}
        {tab === 'guests' && <GuestsPanel app={app} sessionId={sessionId} />}
      </Tabs>
      {erasing && (
        <EraseDialog
          what={{ kind: 'session', sessionId, status }}
          erase={() => app.service.eraseSession(sessionId)}
          onErased={erased}
          onClose={() => setErasing(false)}
        />
      )}
    </>
  );
}

/** The counts of the session, in an area of fixed height, so the page does not jump. */
function StatusLine({ status }: { status: SessionStatus | null }) {
  const indexed = status?.last_indexed
    ? new Date(status.last_indexed).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' })
    : '–';
  return (
    <dl class="status-line" aria-busy={status === null}>
      <Fact name="Photos with faces" value={status ? String(status.photo_count) : '–'} />
      <Fact name="Faces" value={status ? String(status.face_count) : '–'} />
      <Fact name="Last indexed" value={indexed} />
      <Fact name="Model" value={status?.model ?? '–'} />
    </dl>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function useSessionParts(app: App, sessionId: string): { library: Library; search: SelfieSearch } {
  const parts = useMemo(() => {
    const limits = limitsOf(app.settings);
    return {
      library: new Library(app.service, sessionId, limits),
      search: new SelfieSearch(app.service, sessionId, limits),
    };
  }, [app, sessionId]);
  useEffect(
    () => () => {
      parts.library.close();
      parts.search.reset();
    },
    [parts],
  );
  return parts;
}

/** The session's status, refreshed after photos were indexed. */
function useStatus(app: App, sessionId: string, library: Library) {
  const [status, setStatus] = useState<SessionStatus | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  const refresh = useRef(() => {});
  refresh.current = () => {
    if (wantsKey(app)) return;
    app.service.status(sessionId).then(
      (answer) => {
        setStatus(answer);
        setProblem(null);
      },
      (error: unknown) => setProblem(error),
    );
  };
  const indexed = useComputed(() => library.counts.value.indexed).value;
  const key = app.apiKey.value;
  useEffect(() => {
    const timer = setTimeout(() => refresh.current(), indexed === 0 ? 0 : 400);
    return () => clearTimeout(timer);
  }, [indexed, key, sessionId]);
  return { status, problem, refresh: () => refresh.current() };
}

/** Indexes the sample photos when the sample session is opened. */
function useSamplesAtFirst(app: App, sessionId: string, library: Library): void {
  useEffect(() => {
    if (sessionId !== SAMPLE_SESSION) return;
    const index = () => fetchSamples().then((files) => library.add(files, 'index'));
    withKey(app, () => void index().catch((error: Error) => app.notices.say({ text: error.message })));
  }, [app, sessionId, library]);
}
