import { useEffect, useState } from 'preact/hooks';
import { Button } from '../parts/button.tsx';
import { Icon } from '../parts/icon.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import type { SearchToken } from '../service.ts';
import { withKey, type App } from './app.ts';
import { QrCode } from './qr-code.tsx';

const DAY = 86_400;
const LIFETIMES = [
  { label: '1 day', seconds: DAY },
  { label: '7 days', seconds: 7 * DAY },
  { label: '30 days', seconds: 30 * DAY },
];

/** The guests' link and its QR code, to display, print or send. */
export function GuestsPanel({ app, sessionId }: { app: App; sessionId: string }) {
  const needsToken = app.settings.search_access === 'token';
  const [seconds, setSeconds] = useState(7 * DAY);
  const [token, setToken] = useState<SearchToken | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  const make = () => app.service.createSearchToken(sessionId, seconds).then(setToken, setProblem);
  const link = needsToken && !token ? null : guestLink(sessionId, token?.token);
  return (
    <div class="guests">
      {needsToken && (
        <section class="card">
          <h2>A link that expires</h2>
          <p>
            This service requires a token from guests. The token opens only this session, for as long as you choose.
          </p>
          <label class="field">
            <span>Valid for</span>
            <select value={seconds} onChange={({ currentTarget }) => setSeconds(Number(currentTarget.value))}>
              {LIFETIMES.map(({ label, seconds: lifetime }) => (
                <option key={lifetime} value={lifetime}>
                  {label}
                </option>
              ))}
            </select>
          </label>
          <Button look={token ? 'plain' : 'primary'} icon="link" onClick={() => withKey(app, () => void make())}>
            {token ? 'Create another' : 'Create link'}
          </Button>
          {token && (
            <p class="faint">
              Valid until {new Date(token.expires_at).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' })}.
            </p>
          )}
          {problem !== null && <ProblemNote error={problem} />}
        </section>
      )}
      {link && <GuestSign app={app} sessionId={sessionId} link={link} />}
      <Hints app={app} needsToken={needsToken} />
    </div>
  );
}

function GuestSign({ app, sessionId, link }: { app: App; sessionId: string; link: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => setCopied(false), [link]);
  const copy = () =>
    navigator.clipboard.writeText(link).then(
      () => setCopied(true),
      () => app.notices.say({ text: 'The browser blocked copying. Select the link and copy it yourself.' }),
    );
  return (
    <section class="card guest-sign">
      <h2>Find your photos</h2>
      <p class="sign-session">{sessionId}</p>
      <QrCode text={link} label="QR code of the guests’ link" />
      <p>Scan the code, take a selfie, see your photos.</p>
      <p class="guest-link">
        <a href={link} target="_blank" rel="noreferrer">
          {link}
        </a>
      </p>
      <div class="actions">
        <Button icon={copied ? 'check' : 'copy'} onClick={() => void copy()}>
          {copied ? 'Copied' : 'Copy link'}
        </Button>
        <Button icon="print" onClick={() => print()}>
          Print sign
        </Button>
      </div>
    </section>
  );
}

function Hints({ app, needsToken }: { app: App; needsToken: boolean }) {
  return (
    <ul class="hints">
      {['localhost', '127.0.0.1', '[::1]'].includes(location.hostname) && (
        <li>
          <Icon name="warning" /> This address works only on this computer. To let phones in, open the console at an
          address phones can reach.
        </li>
      )}
      {!needsToken && (
        <li>
          <Icon name="link" /> Anyone with the link can search this session.
        </li>
      )}
      {app.settings.photo_url_template === null && (
        <li>
          <Icon name="image" /> Guests see only the names of their photos, because the service stores no photos. Set
          PHOTO_URL_TEMPLATE to show photos from your own site.
        </li>
      )}
    </ul>
  );
}

function guestLink(sessionId: string, token: string | undefined): string {
  const link = new URL(`/s/${encodeURIComponent(sessionId)}`, location.origin);
  if (token) link.hash = new URLSearchParams({ token }).toString();
  return link.href;
}
