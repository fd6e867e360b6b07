import { AdviceNote, FailedSearch } from '../faces/advice-note.tsx';
import { adviceForNoMatch } from '../faces/advice.ts';
import { FaceChooser } from '../faces/face-chooser.tsx';
import { SelfieInput } from '../faces/selfie-input.tsx';
import type { SearchState, SelfieSearch } from '../faces/selfie-search.ts';
import { Brand } from '../parts/brand.tsx';
import { Button } from '../parts/button.tsx';
import type { SearchAnswer, Settings } from '../service.ts';
import { GuestPhotos } from './guest-photos.tsx';

/** How much less similar a face may be when a guest asks to look again less strictly. */
const LENIENCE = 0.08;

/** What a guest sees after scanning the code: selfie in, photos out. */
export function GuestPage({ sessionId, settings, search }: { sessionId: string; settings: Settings; search: SelfieSearch }) {
  const state = search.state.value;
  const choose = (picture: Blob) => void search.searchBy(picture);
  return (
    <main class="guest">
      <header>
        <Brand />
        <p class="guest-session">{sessionId}</p>
      </header>
      {state.kind === 'empty' ? <Welcome onSelfie={choose} /> : <Searched state={state} search={search} onSelfie={choose} />}
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

function Searched({ state, search, onSelfie }: { state: Exclude<SearchState, { kind: 'empty' }>; search: SelfieSearch; onSelfie: (picture: Blob) => void }) {
  const answer = state.kind === 'found' ? state.answer : state.kind === 'searching' ? state.earlier : null;
  const several = answer !== null && answer.query.faces_detected > 1;
  return (
    <section class={`searched ${several ? 'several' : ''}`}>
      {state.selfie && <FaceChooser selfie={state.selfie} answer={answer} onChoose={(faceIndex) => void search.chooseFace(faceIndex)} />}
      <div>
        {several && (
          <p class="note" role="status">
            There are {answer.query.faces_detected} faces in your picture. Which one is you? Tap it.
          </p>
        )}
        <SelfieInput onSelfie={onSelfie} again />
      </div>
    </section>
  );
}

function Outcome({ state, sessionId, settings, search }: { state: SearchState; sessionId: string; settings: Settings; search: SelfieSearch }) {
  if (state.kind === 'empty') return null;
  if (state.kind === 'failed')
    return (
      <FailedSearch error={state.error}>
        <Button icon="retry" onClick={() => void search.again()}>
          Try again
        </Button>
      </FailedSearch>
    );
  const answer: SearchAnswer | null = state.kind === 'found' ? state.answer : state.earlier;
  if (!answer) {
    const waitingMs = state.kind === 'searching' ? state.waitingMs : null;
    return (
      <p class="placeholder busy" role="status">
        {waitingMs === null ? 'Looking through the photos…' : `Many guests are searching; trying again in ${Math.ceil(waitingMs / 1000)} s`}
      </p>
    );
  }
  if (answer.matches.length === 0)
    return (
      <AdviceNote advice={adviceForNoMatch(false)}>
        <Button icon="search" onClick={() => void search.setThreshold(settings.default_threshold - LENIENCE)}>
          Look again, less strictly
        </Button>
      </AdviceNote>
    );
  return <GuestPhotos sessionId={sessionId} template={settings.photo_url_template} matches={answer.matches} />;
}
