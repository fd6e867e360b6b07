import { useId, useState } from 'preact/hooks';
import { AdviceNote, FailedSearch } from '../faces/advice-note.tsx';
import { adviceForNoMatch } from '../faces/advice.ts';
import { FaceStrip } from '../faces/face-strip.tsx';
import { matchParts } from '../faces/match-parts.ts';
import { SearchAnnouncement } from '../faces/search-announcement.tsx';
import { OneMoreSelfie, SelfieInput } from '../faces/selfie-input.tsx';
import { SelfiePicture } from '../faces/selfie-picture.tsx';
import type { SearchState, SelfieSearch } from '../faces/selfie-search.ts';
import { Button } from '../parts/button.tsx';
import { saveAll, savePhoto } from '../photos/download.ts';
import type { Library } from '../photos/library.ts';
import type { Match, SearchAnswer } from '../service.ts';
import type { App } from './app.ts';
import { isForWantOfKey, KeyProblem } from './key-problem.tsx';
import { MatchTile } from './match-tile.tsx';
import { PeoplePicker } from './people-picker.tsx';
import { count } from './photo-tile.tsx';

/** Searches by selfie and shows the matching photos. */
export function SearchPanel({
  app,
  sessionId,
  library,
  search,
}: {
  app: App;
  sessionId: string;
  library: Library;
  search: SelfieSearch;
}) {
  const state = search.state.value;
  return (
    <div class="search">
      <section class="search-by" aria-label="Person to find">
        <SelfieBox search={search} state={state} />
        <Strictness
          lowest={Math.min(LOWEST_THRESHOLD, app.settings.default_threshold)}
          initial={search.threshold.value ?? app.settings.default_threshold}
          onChange={(threshold) => void search.setThreshold(threshold)}
        />
      </section>
      <section class="results" aria-label="Photos found" aria-busy={state.kind === 'searching'}>
        <SearchAnnouncement state={state} />
        {state.kind === 'empty' ? (
          <PeoplePicker library={library} onPick={(face) => void search.searchBy(face)} />
        ) : (
          <Results app={app} sessionId={sessionId} library={library} search={search} state={state} />
        )}
      </section>
    </div>
  );
}

function SelfieBox({ search, state }: { search: SelfieSearch; state: SearchState }) {
  const choose = (picture: Blob) => void search.searchBy(picture);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    const file = event.dataTransfer?.files[0];
    if (file) choose(file);
  };
  return (
    <div
      class={`selfie-box ${state.kind === 'empty' ? '' : 'given'}`}
      onDragOver={(event) => event.preventDefault()}
      onDrop={drop}
    >
      <SelfiePicture selfie={state.kind === 'empty' ? null : state.selfie} answer={answerOf(state)} />
      <SelfieInput onSelfie={choose} again={state.kind !== 'empty'} />
      {state.kind !== 'empty' && <OneMoreSelfie search={search} busy={state.kind === 'searching'} />}
      <p class="faint">The selfie is compared once and not stored.</p>
    </div>
  );
}

/** One pair of strangers in 300 reaches it. */
const LOWEST_THRESHOLD = 0.35;

function Strictness({
  lowest,
  initial,
  onChange,
}: {
  lowest: number;
  initial: number;
  onChange: (threshold: number) => void;
}) {
  const [threshold, setThreshold] = useState(initial);
  const id = useId();
  return (
    <div class="strictness">
      <label for={id}>Strictness</label>
      <output for={id}>{threshold.toFixed(2)}</output>
      <input
        id={id}
        type="range"
        min={lowest}
        max="0.95"
        step="0.01"
        value={threshold}
        onInput={({ currentTarget }) => setThreshold(Number(currentTarget.value))}
        onChange={() => onChange(threshold)}
      />
      <span class="faint">more photos</span>
      <span class="faint">fewer strangers</span>
    </div>
  );
}

interface ResultsProps {
  app: App;
  sessionId: string;
  library: Library;
  search: SelfieSearch;
  state: Exclude<SearchState, { kind: 'empty' }>;
}

function Results({ app, sessionId, library, search, state }: ResultsProps) {
  if (state.kind === 'failed' && isForWantOfKey(state.error))
    return <KeyProblem app={app} error={state.error} onEntered={() => void search.again()} />;
  if (state.kind === 'failed')
    return (
      <FailedSearch error={state.error}>
        <Button icon="retry" onClick={() => void search.again()}>
          Search again
        </Button>
      </FailedSearch>
    );
  const answer = answerOf(state);
  if (!answer || !state.selfie) return <p class="placeholder busy">{waitText(state)}</p>;
  const { faces_detected: detected, face_index: searched } = answer.query;
  const question = `This photo shows ${detected} faces; searched face ${searched + 1}${searched === 0 ? ', the largest' : ''}. Choose another:`;
  const strip = (
    <FaceStrip
      selfie={state.selfie}
      answer={answer}
      question={question}
      onChoose={(faceIndex) => void search.chooseFace(faceIndex)}
    />
  );
  if (answer.matches.length === 0)
    return (
      <>
        {strip}
        <AdviceNote advice={adviceForNoMatch(true)} />
      </>
    );
  return (
    <>
      {strip}
      <ResultsHeader answer={answer} sessionId={sessionId} library={library} />
      {matchParts(answer.matches).map(({ title, sure, matches }) => (
        <section key={title} class="match-part">
          <h3>
            {title} <span class="faint">{matches.length}</span>
          </h3>
          <ul
            class={`tiles ${state.kind === 'searching' ? 'stale' : ''}`}
            aria-label={sure ? 'Photos found' : 'Possible photos'}
          >
            {matches.map((match) => (
              <li key={match.photo_id}>
                <MatchTile
                  match={match}
                  photo={library.find(match.photo_id)}
                  longestSide={app.settings.max_image_side}
                  onSave={savePhoto}
                />
              </li>
            ))}
          </ul>
        </section>
      ))}
      {answer.total_matches > answer.matches.length && (
        <p class="faint">
          Showing the {answer.matches.length} most similar of {answer.total_matches}.
        </p>
      )}
    </>
  );
}

/** The answer of the search; during a new search, the previous one. */
function answerOf(state: SearchState): SearchAnswer | null {
  if (state.kind === 'found') return state.answer;
  return state.kind === 'searching' ? state.earlier : null;
}

function waitText(state: SearchState): string {
  const waitingMs = state.kind === 'searching' ? state.waitingMs : null;
  return waitingMs === null ? 'Searching…' : `The service is busy. Retrying in ${Math.ceil(waitingMs / 1000)} s`;
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
        {count(answer.total_matches, 'photo')}{' '}
        <span class="faint">in {Math.max(1, Math.round(answer.query_time_ms))} ms</span>
      </h2>
      <p class="note">
        {answer.faces_compared} faces compared; expect {answer.expected_false_matches} matches of strangers at this
        strictness.
      </p>
      <Button icon="download" disabled={held.length === 0} onClick={() => void saveAll(held, sessionId)}>
        Download {held.length === 1 ? 'it' : `all ${held.length}`}
      </Button>
      {missing > 0 && (
        <p class="note">
          {missing === 1 ? 'One photo is' : `${missing} photos are`} not on this page, because the service stores no
          photos. Add the folder under Photos to see {missing === 1 ? 'it' : 'them'}.
        </p>
      )}
    </header>
  );
}
