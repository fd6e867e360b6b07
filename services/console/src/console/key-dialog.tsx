import { useState } from 'preact/hooks';
import { Button } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { setApiKey, type App } from './app.ts';

/** Asks for the API key. It stays in this tab. */
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
        <p>Adding and erasing photos needs a key of this service. Whoever runs it can give you one.</p>
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
        <p class="faint">It is kept in this tab only and forgotten when you close it.</p>
        <footer>
          {app.apiKey.value && (
            <Button
              look="quiet"
              onClick={() => {
                setApiKey(app, null);
                close();
              }}
            >
              Forget the key
            </Button>
          )}
          <Button type="submit" look="primary">
            Use this key
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
