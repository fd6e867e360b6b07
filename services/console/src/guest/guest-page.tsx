import { AdviceNote, FailedSearch } from '../faces/advice-note.tsx';
import { adviceForNoMatch } from '../faces/advice.ts';
import { FaceStrip } from '../faces/face-strip.tsx';
import { SearchAnnouncement } from '../faces/search-announcement.tsx';
import { OneMoreSelfie, SelfieInput } from '../faces/selfie-input.tsx';
import { SelfiePicture } from '../faces/selfie-picture.tsx';
import type { SearchState, SelfieSearch } from '../faces/selfie-search.ts';
import { Brand } from '../parts/brand.tsx';
import { Button } from '../parts/button.tsx';
import type { Settings } from '../service.ts';
import { GuestPhotos } from './guest-photos.tsx';

/** The page that a guest opens with the QR code: selfie in, photos out. */
export function GuestPage({
  sessionId,
  settings,
  search,
}: {
  sessionId: string;
  settings: Settings;
  search: SelfieSearch;
}) {
  const state = search.state.value;
  const choose = (picture: Blob) => void search.searchBy(picture);
  return (
    <main class="guest">
      <header>
        <Brand />
        <p class="guest-session">{sessionId}</p>
      </header>
      {state.kind === 'empty' ? (
        <Welcome onSelfie={choose} />
      ) : (
        <Searched state={state} search={search} onSelfie={choose} />
      )}
      <SearchAnnouncement state={state} />
      <Outcome state={state} sessionId={sessionId} settings={settings} search={search} />
    </main>
  );
}

function Welcome({ onSelfie }: { onSelfie: (picture: Blob) => void }) {
  return (
    <section class="welcome">
      <span class="viewfinder" aria-hidden="true" />
      <h1>Find your photos</h1>
      <p>Take a selfie and see every photo of this event that you are in.</p>
      <SelfieInput onSelfie={onSelfie} />
      <p class="faint">Your selfie is compared once and not stored.</p>
    </section>
  );
}

function Searched({
  state,
  search,
  onSelfie,
}: {
  state: Exclude<SearchState, { kind: 'empty' }>;
  search: SelfieSearch;
  onSelfie: (picture: Blob) => void;
}) {
  return (
    <section class="searched">
      <SelfiePicture selfie={state.selfie} answer={state.kind === 'found' ? state.answer : null} />
      <SelfieInput onSelfie={onSelfie} again />
      <OneMoreSelfie search={search} busy={state.kind === 'searching'} />
    </section>
  );
}

function Outcome({
  state,
  sessionId,
  settings,
  search,
}: {
  state: SearchState;
  sessionId: string;
  settings: Settings;
  search: SelfieSearch;
}) {
  if (state.kind === 'empty') return null;
  if (state.kind === 'failed')
    return (
      <FailedSearch error={state.error}>
        <Button icon="retry" onClick={() => void search.again()}>
          Try again
        </Button>
      </FailedSearch>
    );
  const answer = state.kind === 'found' ? state.answer : state.earlier;
  if (!answer || !state.selfie) return <p class="placeholder busy">{waitText(state)}</p>;
  const choose = (faceIndex: number) => void search.chooseFace(faceIndex);
  const question = `Your selfie shows ${answer.query.faces_detected} faces. Which one is you?`;
  return (
    <>
      <FaceStrip selfie={state.selfie} answer={answer} question={question} onChoose={choose} />
      {answer.matches.length === 0 ? (
        <AdviceNote advice={adviceForNoMatch(false)} />
      ) : (
        <GuestPhotos sessionId={sessionId} template={settings.photo_url_template} matches={answer.matches} />
      )}
    </>
  );
}

function waitText(state: SearchState): string {
  const waitingMs = state.kind === 'searching' ? state.waitingMs : null;
  return waitingMs === null
    ? 'Searching the photos…'
    : `Many guests are searching. Retrying in ${Math.ceil(waitingMs / 1000)} s`;
}
