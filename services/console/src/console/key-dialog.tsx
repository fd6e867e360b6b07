import { useState } from 'preact/hooks';
import { Button } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { setApiKey, type App } from './app.ts';

/** Asks for the API key, which stays in this tab. */
export function KeyDialog({ app }: { app: App }) {
  const [key, setKey] = useState('');
  const close = () => (app.askForKey.value = null);
  const enter = (event: Event) => {
    event.preventDefault();
    const goOn = app.askForKey.value;
    setApiKey(app, key.trim());
    close();
    goOn?.();
  };
  return (
    <Dialog title="API key" onClose={close}>
      <form onSubmit={enter}>
        <p>You need an API key to add and erase photos. Ask the operator of this service for one.</p>
        <label class="field">
          <span>Key</span>
          <input
            type="password"
            name="key"
            autoComplete="off"
            required
            value={key}
            onInput={({ currentTarget }) => setKey(currentTarget.value)}
          />
        </label>
        <p class="faint">The key stays in this tab only and is forgotten when you close it.</p>
        <footer>
          {app.apiKey.value && (
            <Button
              look="quiet"
              onClick={() => {
                setApiKey(app, null);
                close();
              }}
            >
              Forget key
            </Button>
          )}
          <Button type="submit" look="primary">
            Use key
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
