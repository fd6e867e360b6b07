import { Problem } from '@facepass/client';
import { adviceForProblem } from './advice.ts';
import type { SearchState } from './selfie-search.ts';

/** The result of a search for screen readers. It is always rendered, because they read out only changes in it. */
export function SearchAnnouncement({ state }: { state: SearchState }) {
  return (
    <p class="visually-hidden" role="status">
      {textOf(state)}
    </p>
  );
}

function textOf(state: SearchState): string {
  switch (state.kind) {
    case 'empty':
      return '';
    case 'searching':
      return 'Searching';
    case 'found':
      return state.answer.total_matches === 0 ? 'No photos found' : `${state.answer.total_matches} found`;
    case 'failed':
      // Without advice a note with role alert is read out by itself.
      return (state.error instanceof Problem && adviceForProblem(state.error.code)?.title) || '';
  }
}
