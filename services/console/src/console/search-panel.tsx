import { useState } from 'preact/hooks';
import { AdviceNote, FailedSearch } from '../faces/advice-note.tsx';
import { adviceForNoMatch } from '../faces/advice.ts';
import { FaceChooser } from '../faces/face-chooser.tsx';
import { SelfieInput } from '../faces/selfie-input.tsx';
import type { SearchState, SelfieSearch } from '../faces/selfie-search.ts';
import { Button } from '../parts/button.tsx';
import { Icon } from '../parts/icon.tsx';
import { saveAll, savePhoto } from '../photos/download.ts';
import type { Library } from '../photos/library.ts';
import type { Match, SearchAnswer } from '../service.ts';
import type { App } from './app.ts';
import { MatchTile } from './match-tile.tsx';
import { count } from './photo-tile.tsx';

/** Searching by one selfie, and the photos found. */
export function SearchPanel({ app, sessionId, library, search }: { app: App; sessionId: string; library: Library; search: SelfieSearch }) {
  const state = search.state.value;
  return (
    <div class="search">
      <section class="search-by" aria-label="Who to look for">
        <SelfieBox search={search} state={state} />
        <Strictness initial={app.settings.default_threshold} onChange={(threshold) => void search.setThreshold(threshold)} />
      </section>
      <section class="results" aria-label="Photos found" aria-busy={state.kind === 'searching'}>
        <Results app={app} sessionId={sessionId} library={library} state={state} onAgain={() => void search.again()} />
      </section>
    </div>
  );
}

function SelfieBox({ search, state }: { search: SelfieSearch; state: SearchState }) {
  const selfie = state.kind === 'empty' ? null : state.selfie;
  const answer = state.kind === 'found' ? state.answer : state.kind === 'searching' ? state.earlier : null;
  const choose = (picture: Blob) => void search.searchBy(picture);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    const file = event.dataTransfer?.files[0];
    if (file) choose(file);
  };
  return (
    <div class="selfie-box" onDragOver={(event) => event.preventDefault()} onDrop={drop}>
      {selfie ? (
        <FaceChooser selfie={selfie} answer={answer} onChoose={(faceIndex) => void search.chooseFace(faceIndex)} />
      ) : (
        <div class="selfie-empty">
          <Icon name="face" />
          <p>A selfie, or any picture of the person</p>
        </div>
      )}
      {answer && answer.query.faces_detected > 1 && (
        <p class="note" role="status">
          {answer.query.faces_detected} faces in this picture; searched by face {answer.query.face_index + 1}
          {answer.query.face_index === 0 && ', the largest'}. Choose another above.
        </p>
      )}
      <SelfieInput onSelfie={choose} again={selfie !== null} />
      <p class="faint">The selfie is compared once and not stored.</p>
    </div>
  );
}

function Strictness({ initial, onChange }: { initial: number; onChange: (threshold: number) => void }) {
  const [threshold, setThreshold] = useState(initial);
  return (
    <label class="strictness">
      <span>
        Strictness <output>{threshold.toFixed(2)}</output>
      </span>
      <input
        type="range"
        min="0.3"
        max="0.9"
        step="0.01"
        value={threshold}
        onInput={({ currentTarget }) => setThreshold(Number(currentTarget.value))}
        onChange={() => onChange(threshold)}
      />
      <span class="ends faint">
        <span>more photos</span>
        <span>surer matches</span>
      </span>
    </label>
  );
}

interface ResultsProps {
  app: App;
  sessionId: string;
  library: Library;
  state: SearchState;
  onAgain: () => void;
}

function Results({ app, sessionId, library, state, onAgain }: ResultsProps) {
  if (state.kind === 'empty') return <p class="placeholder">The photos of this person appear here.</p>;
  if (state.kind === 'failed')
    return (
      <FailedSearch error={state.error}>
        <Button icon="retry" onClick={onAgain}>
          Search again
        </Button>
      </FailedSearch>
    );
  const answer = state.kind === 'found' ? state.answer : state.earlier;
  if (!answer) return <p class="placeholder busy">{waitText(state)}</p>;
  if (answer.matches.length === 0) return <AdviceNote advice={adviceForNoMatch(true)} />;
  return (
    <>
      <ResultsHeader answer={answer} sessionId={sessionId} library={library} />
      <ul class={`tiles ${state.kind === 'searching' ? 'stale' : ''}`} aria-label="Photos found">
        {answer.matches.map((match) => (
          <li key={match.photo_id}>
            <MatchTile match={match} photo={library.find(match.photo_id)} longestSide={app.settings.max_image_side} onSave={savePhoto} />
          </li>
        ))}
      </ul>
      {answer.total_matches > answer.matches.length && <p class="faint">The {answer.matches.length} most similar of {answer.total_matches} are shown.</p>}
    </>
  );
}

function waitText(state: SearchState): string {
  const waitingMs = state.kind === 'searching' ? state.waitingMs : null;
  return waitingMs === null ? 'Searching…' : `The service is busy; trying again in ${Math.ceil(waitingMs / 1000)} s`;
}

function ResultsHeader({ answer, sessionId, library }: { answer: SearchAnswer; sessionId: string; library: Library }) {
  const held = answer.matches.flatMap(({ photo_id }: Match) => {
    const photo = library.find(photo_id);
    return photo ? [{ id: photo.id, blob: photo.file }] : [];
  });
  const missing = answer.matches.length - held.length;
  return (
    <header class="results-header">
      <h2>
        <span role="status">
        {count(answer.total_matches, 'photo')} <span class="faint">in {Math.max(1, Math.round(answer.query_time_ms))} ms</span>
      </span>
      </h2>
      <Button icon="download" disabled={held.length === 0} onClick={() => void saveAll(held, sessionId)}>
        Download {held.length === 1 ? 'it' : `all ${held.length}`}
      </Button>
      {missing > 0 && (
        <p class="note">
          {count(missing, 'picture')} not on this page: add the folder under Photos to see {missing === 1 ? 'it' : 'them'}. The service keeps no pictures.
        </p>
      )}
    </header>
  );
}
