import { Problem } from '@facepass/client';
import { Button } from '../parts/button.tsx';
import { Icon } from '../parts/icon.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import type { App } from './app.ts';

/** Whether another key would fix `error`. */
export function isForWantOfKey(error: unknown): boolean {
  return error instanceof Problem && (error.status === 401 || error.status === 403);
}

/**
 * Whether the service requires a key to show a session. This is known before any call, so the page does not jump.
 */
export function wantsKey(app: App): boolean {
  return app.settings.search_access === 'token' && !app.apiKey.value;
}

/** Asks for a key. */
export function KeyWanted({ app, onEntered }: { app: App; onEntered: () => void }) {
  return (
    <div class="note asks-key">
      <Icon name="key" />
      <div>
        <p>You can view and search a session of this service only with a key.</p>
        <Button icon="key" onClick={() => (app.askForKey.value = onEntered)}>
          Enter key
        </Button>
      </div>
    </div>
  );
}

/** Shows a problem; if a key would fix it, also a button to enter one, after which it calls `onEntered`. */
export function KeyProblem({ app, error, onEntered }: { app: App; error: unknown; onEntered: () => void }) {
  return (
    <ProblemNote error={error}>
      {isForWantOfKey(error) && (
        <Button icon="key" onClick={() => (app.askForKey.value = onEntered)}>
          {app.apiKey.value ? 'Enter another key' : 'Enter key'}
        </Button>
      )}
    </ProblemNote>
  );
}
