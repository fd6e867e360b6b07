import { useEffect, useState } from 'preact/hooks';
import { Button } from '../parts/button.tsx';
import { Brand } from '../parts/brand.tsx';
import type { Health } from '../service.ts';
import type { App } from './app.ts';

const HEALTH_INTERVAL_MS = 30_000;

export function PageHeader({ app, onHome }: { app: App; onHome: () => void }) {
  return (
    <header class="page-header">
      <a
        href="/"
        class="home"
        onClick={(event) => {
          event.preventDefault();
          onHome();
        }}
      >
        <Brand />
      </a>
      <nav aria-label="Service">
        <HealthBadge app={app} />
        <a href="/docs" class="button quiet docs">
          API reference
        </a>
        <Button look="quiet" icon="key" onClick={() => (app.askForKey.value = () => {})}>
          {app.apiKey.value ? 'Key set' : 'Enter key'}
        </Button>
      </nav>
    </header>
  );
}

/** Checked at the start and every half minute while the page is visible. */
function HealthBadge({ app }: { app: App }) {
  const [health, setHealth] = useState<Health | 'unreachable' | null>(null);
  useEffect(() => {
    const ask = () => {
      if (document.hidden) return;
      app.service.health().then(setHealth, () => setHealth('unreachable'));
    };
    ask();
    const timer = setInterval(ask, HEALTH_INTERVAL_MS);
    return () => clearInterval(timer);
  }, [app]);
  const healthy = health !== null && health !== 'unreachable' && health.status === 'healthy';
  const text = health === null ? 'Checking' : healthy ? 'Ready' : 'Not ready';
  const detail =
    health && health !== 'unreachable'
      ? `Version ${health.version}, model ${health.face_recognition_model}, database ${health.database}`
      : '';
  return (
    <span class={`health ${health === null ? 'unknown' : healthy ? 'good' : 'bad'}`} title={detail}>
      {text}
    </span>
  );
}
