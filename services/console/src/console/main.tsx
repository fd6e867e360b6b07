import '../styles/base.css';
import '../styles/parts.css';
import '../styles/faces.css';
import '../styles/console.css';
import { render } from 'preact';
import { Button } from '../parts/button.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { createApp, createConsoleService, readApiKey } from './app.ts';
import { ConsolePage } from './console-page.tsx';

const page = document.getElementById('page') as HTMLElement;
const apiKey = readApiKey();
const service = createConsoleService(apiKey);

try {
  const settings = await service.settings();
  render(<ConsolePage app={createApp(settings, service, apiKey)} />, page);
} catch (error) {
  render(
    <main class="page">
      <ProblemNote error={error}>
        <Button onClick={() => location.reload()}>Try again</Button>
      </ProblemNote>
    </main>,
    page,
  );
}
