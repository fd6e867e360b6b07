import { Problem } from '@facepass/client';
import { Button } from '../parts/button.tsx';
import { Icon } from '../parts/icon.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import type { App } from './app.ts';

/** Whether another key, or one at all, would mend `error`. */
export function isForWantOfKey(error: unknown): boolean {
  return error instanceof Problem && (error.status === 401 || error.status === 403);
}

/**
 * Whether the service answers nothing about a session to a page without a key: known before any call, so that nothing
 * moves when it is said.
 */
export function wantsKey(app: App): boolean {
  return app.settings.search_access === 'token' && !app.apiKey.value;
}

/** Says so, with the way to enter one. */
export function KeyWanted({ app, onEntered }: { app: App; onEntered: () => void }) {
  return (
    <div class="note asks-key">
      <Icon name="key" />
      <div>
        <p>This service shows and searches a session only with a key.</p>
        <Button icon="key" onClick={() => (app.askForKey.value = onEntered)}>
          Enter the key
        </Button>
      </div>
    </div>
  );
}

/** A problem; where a key mends it, with the way to enter one, after which `onEntered` is called. */
export function KeyProblem({ app, error, onEntered }: { app: App; error: unknown; onEntered: () => void }) {
  return (
    <ProblemNote error={error}>
      {isForWantOfKey(error) && (
        <Button icon="key" onClick={() => (app.askForKey.value = onEntered)}>
          {app.apiKey.value ? 'Enter another key' : 'Enter the key'}
        </Button>
      )}
    </ProblemNote>
  );
}
