import '../styles/base.css';
import '../styles/parts.css';
import '../styles/faces.css';
import '../styles/guest.css';
import { render } from 'preact';
import { SelfieSearch } from '../faces/selfie-search.ts';
import { Button } from '../parts/button.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { createService } from '../service.ts';
import { GuestPage } from './guest-page.tsx';

const page = document.getElementById('page') as HTMLElement;
const sessionId = decodeURIComponent(location.pathname.replace(/^\/s\//, ''));
// In the fragment, which no server and no log on the way sees; signs that were printed before have it in the query.
const token =
  new URLSearchParams(location.hash.slice(1)).get('token') ??
  new URLSearchParams(location.search).get('token') ??
  undefined;
addEventListener('hashchange', () => location.reload());
const service = createService({ apiKey: () => undefined, searchToken: () => token });

try {
  const settings = await service.settings();
  const search = new SelfieSearch(service, sessionId, {
    maxBytes: settings.max_image_bytes,
    maxSide: settings.max_image_side,
  });
  render(<GuestPage sessionId={sessionId} settings={settings} search={search} />, page);
} catch (error) {
  render(
    <main class="guest">
      <ProblemNote error={error}>
        <Button onClick={() => location.reload()}>Try again</Button>
      </ProblemNote>
    </main>,
    page,
  );
}
