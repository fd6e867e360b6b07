import { useState } from 'preact/hooks';
import { Button } from '../parts/button.tsx';
import { Icon } from '../parts/icon.tsx';
import { saveAll } from '../photos/download.ts';
import { photoAddress } from '../photos/photo-address.ts';
import { matchParts } from '../faces/match-parts.ts';
import type { Match } from '../service.ts';

/** The guest's photos, shown from the photographer's site, or as names. */
export function GuestPhotos({
  sessionId,
  template,
  matches,
}: {
  sessionId: string;
  template: string | null;
  matches: readonly Match[];
}) {
  const photos = matches.map(({ photo_id }) => ({
    id: photo_id,
    address: photoAddress(template, sessionId, photo_id),
  }));
  const sure = matches.filter(({ certainty }) => certainty === 'sure').length;
  const shown = photos.filter((photo) => photo.address !== null) as { id: string; address: string }[];
  return (
    <section class="guest-photos">
      <header class="results-header">
        <h2>
          {sure > 0 ? 'You are in' : 'You may be in'} {sure || photos.length} photo
          {(sure || photos.length) === 1 ? '' : 's'}
        </h2>
        {shown.length > 0 ? (
          <DownloadAll name={sessionId} photos={shown} />
        ) : (
          <CopyNames names={photos.map(({ id }) => id)} />
        )}
      </header>
      {shown.length === 0 && <p class="note">Ask the photographer for these photos:</p>}
      {matchParts(matches).map(({ title, sure, matches: part }) => (
        <section key={title} class="match-part">
          <h3>{title}</h3>
          {!sure && <p class="note">These faces look less like yours. Check them yourself.</p>}
          <ul class={shown.length > 0 ? 'tiles' : 'names'} aria-label={sure ? 'Your photos' : 'Possibly your photos'}>
            {part.map(({ photo_id: id }) => {
              const address = photoAddress(template, sessionId, id);
              return <li key={id}>{address ? <GuestPhoto id={id} address={address} /> : id}</li>;
            })}
          </ul>
        </section>
      ))}
    </section>
  );
}

/** A photo on the photographer's site; if it is not there, only its name. */
function GuestPhoto({ id, address }: { id: string; address: string }) {
  const [missing, setMissing] = useState(false);
  return (
    <a class="tile" href={address} target="_blank" rel="noreferrer">
      <span class={`crop whole ${missing ? 'missing' : ''}`}>
        {missing ? (
          <Icon name="image" />
        ) : (
          <img
            src={address}
            alt={`Photo ${id}`}
            class="shown"
            loading="lazy"
            decoding="async"
            onError={() => setMissing(true)}
          />
        )}
      </span>
      <span class="tile-name">{id}</span>
    </a>
  );
}

/** Downloads all photos as one archive, if the photographer's site allows it. */
function DownloadAll({ name, photos }: { name: string; photos: readonly { id: string; address: string }[] }) {
  const [state, setState] = useState<'idle' | 'busy' | 'refused'>('idle');
  const download = async () => {
    setState('busy');
    try {
      await saveAll(
        await Promise.all(photos.map(async ({ id, address }) => ({ id, blob: await pictureAt(address) }))),
        name,
      );
      setState('idle');
    } catch {
      setState('refused');
    }
  };
  if (state === 'refused')
    return <p class="note">The photographer’s site allows only single downloads: tap a photo to open it.</p>;
  return (
    <Button icon="download" disabled={state === 'busy'} onClick={() => void download()}>
      {state === 'busy' ? 'Downloading…' : 'Download all'}
    </Button>
  );
}

async function pictureAt(address: string): Promise<Blob> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  return response.blob();
}

function CopyNames({ names }: { names: readonly string[] }) {
  const [copied, setCopied] = useState(false);
  if (!('clipboard' in navigator)) return null;
  return (
    <Button
      icon={copied ? 'check' : 'copy'}
      onClick={() => void navigator.clipboard.writeText(names.join('\n')).then(() => setCopied(true))}
    >
      {copied ? 'Copied' : 'Copy names'}
    </Button>
  );
}
