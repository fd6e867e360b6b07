import { Problem } from '@facepass/client';
import { adviceForProblem } from './advice.ts';
import type { SearchState } from './selfie-search.ts';

/** What a search came to, for those who hear the page. It is always there: only what changes in it is read out. */
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
      return state.answer.total_matches === 0 ? 'No photo found' : `${state.answer.total_matches} found`;
    case 'failed':
      // Without advice a note with role alert speaks for itself.
      return (state.error instanceof Problem && adviceForProblem(state.error.code)?.title) || '';
  }
}
