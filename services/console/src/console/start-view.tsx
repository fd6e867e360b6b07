import { useState } from 'preact/hooks';
import { Button, IconButton } from '../parts/button.tsx';
import { Icon } from '../parts/icon.tsx';
import { sessionIdProblem, unguessable } from '../photos/photo-id.ts';
import { forgetSession, recentSessions } from './recent-sessions.ts';
import { SAMPLE_SESSION, SAMPLE_PHOTOS, sampleUrl } from './samples.ts';

/** The first page: a new session, an earlier one, or the sample photos. */
export function StartView({ onOpen }: { onOpen: (sessionId: string) => void }) {
  return (
    <div class="start">
      <section class="hero">
        <h1>One selfie in. Every photo of that person out.</h1>
        <p>
          Add the photos of an event, then let guests find themselves. Your photos stay in this browser; the service
          stores only the numbers that describe the faces.
        </p>
      </section>
      {SAMPLE_PHOTOS.length > 0 && <SampleCard onOpen={onOpen} />}
      <NewSession onOpen={onOpen} />
      <OpenSession onOpen={onOpen} />
    </div>
  );
}

function SampleCard({ onOpen }: { onOpen: (sessionId: string) => void }) {
  return (
    <section class="card sample-card">
      <div class="sample-strip" aria-hidden="true">
        {SAMPLE_PHOTOS.slice(0, 6).map((name) => (
          <img key={name} src={sampleUrl(name)} alt="" loading="lazy" decoding="async" />
        ))}
      </div>
      <div>
        <h2>Try it with sample photos</h2>
        <p>Index {SAMPLE_PHOTOS.length} party photos on this machine, then choose a face and find it in the others.</p>
        <Button look="primary" icon="image" onClick={() => onOpen(SAMPLE_SESSION)}>
          Open the sample session
        </Button>
      </div>
    </section>
  );
}

function NewSession({ onOpen }: { onOpen: (sessionId: string) => void }) {
  const [name, setName] = useState('');
  const create = (event: Event) => {
    event.preventDefault();
    onOpen(unguessable(name, (bytes) => crypto.getRandomValues(bytes)));
  };
  return (
    <form class="card" onSubmit={create}>
      <h2>New session</h2>
      <p>A session holds the photos of one event.</p>
      <label class="field">
        <span>Name of the event</span>
        <input
          name="event"
          required
          maxLength={100}
          placeholder="Anna and Ben"
          value={name}
          onInput={({ currentTarget }) => setName(currentTarget.value)}
        />
      </label>
      <p class="faint">The console adds a random suffix, so that nobody can guess the guests’ link.</p>
      <Button type="submit" icon="plus">
        Create
      </Button>
    </form>
  );
}

function OpenSession({ onOpen }: { onOpen: (sessionId: string) => void }) {
  const [id, setId] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [recent, setRecent] = useState(recentSessions);
  const open = (event: Event) => {
    event.preventDefault();
    const wrong = sessionIdProblem(id);
    setProblem(wrong);
    if (!wrong) onOpen(id);
  };
  return (
    <form class="card" onSubmit={open} noValidate>
      <h2>Open a session</h2>
      <p>Including sessions indexed by your own app.</p>
      <label class="field">
        <span>Session id</span>
        <input
          name="session"
          value={id}
          aria-invalid={problem !== null}
          onInput={({ currentTarget }) => setId(currentTarget.value)}
        />
      </label>
      {problem && (
        <p class="field-problem" role="alert">
          {problem}
        </p>
      )}
      <Button type="submit" icon="open">
        Open
      </Button>
      {recent.length > 0 && (
        <ul class="recent" aria-label="Opened last">
          {recent.map((sessionId) => (
            <li key={sessionId}>
              <button type="button" class="recent-session" onClick={() => onOpen(sessionId)}>
                <Icon name="folder" />
                <span>{sessionId}</span>
              </button>
              <IconButton
                icon="close"
                label={`Remove ${sessionId} from this list`}
                onClick={() => {
                  forgetSession(sessionId);
                  setRecent(recentSessions());
                }}
              />
            </li>
          ))}
        </ul>
      )}
    </form>
  );
}
