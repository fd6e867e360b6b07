import { signal, type Signal } from '@preact/signals';
import { createNotices, type Notices } from '../parts/notices.tsx';
import type { UploadLimits } from '../photos/prepare.ts';
import { createService, type Service, type Settings } from '../service.ts';

/** What every view of the console is given. */
export interface App {
  service: Service;
  settings: Settings;
  apiKey: Signal<string | null>;
  /** Open while set; called once a key was entered. */
  askForKey: Signal<(() => void) | null>;
  notices: Notices;
}

const KEY_STORE = 'facepass-api-key';

/**
 * The console's context; the key comes from the address's fragment (`/#key=…`), which no server sees, or from this
 * tab's earlier pages.
 */
export function createApp(settings: Settings, service: Service, apiKey: App['apiKey']): App {
  return { service, settings, apiKey, askForKey: signal(null), notices: createNotices() };
}

export function createConsoleService(apiKey: App['apiKey']): Service {
  return createService({ apiKey: () => apiKey.value ?? undefined, searchToken: () => undefined });
}

/** The key in force. It is kept in this tab's sessionStorage only, and leaves the address bar at once. */
export function readApiKey(): App['apiKey'] {
  const given = new URLSearchParams(location.hash.slice(1)).get('key');
  if (given) {
    sessionStorage.setItem(KEY_STORE, given);
    history.replaceState(null, '', location.pathname + location.search);
  }
  return signal(sessionStorage.getItem(KEY_STORE));
}

export function setApiKey(app: App, key: string | null): void {
  if (key) sessionStorage.setItem(KEY_STORE, key);
  else sessionStorage.removeItem(KEY_STORE);
  app.apiKey.value = key;
}

/** Runs what needs a key, after asking for one where there is none. */
export function withKey(app: App, run: () => void): void {
  if (app.apiKey.value) run();
  else app.askForKey.value = run;
}

export function limitsOf(settings: Settings): UploadLimits {
  return { maxBytes: settings.max_image_bytes, maxSide: settings.max_image_side };
}
