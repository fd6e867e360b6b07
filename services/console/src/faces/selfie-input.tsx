import { useState } from 'preact/hooks';
import { Button, FileButton } from '../parts/button.tsx';
import type { SelfieSearch } from './selfie-search.ts';
import { CameraDialog, cameraMayBeAsked, ONE_MORE } from './camera.tsx';

/**
 * Two ways to provide a selfie: the camera and a file. If the page may not use the camera, it opens the phone's own
 * camera app.
 */
export function SelfieInput({ onSelfie, again = false }: { onSelfie: (picture: Blob) => void; again?: boolean }) {
  const [cameraOpen, setCameraOpen] = useState(false);
  const look = again ? 'plain' : 'primary';
  const first = (files: FileList | null) => {
    const file = files?.[0];
    if (file) onSelfie(file);
  };
  return (
    <div class="selfie-input">
      {cameraMayBeAsked() ? (
        <Button look={look} icon="camera" onClick={() => setCameraOpen(true)}>
          Take a selfie
        </Button>
      ) : (
        <FileButton look={look} icon="camera" accept="image/*" capture="user" onFiles={first}>
          Take a selfie
        </FileButton>
      )}
      <FileButton icon="image" accept="image/*" onFiles={first}>
        Choose a photo
      </FileButton>
      {cameraOpen && <CameraDialog onPicture={onSelfie} onClose={() => setCameraOpen(false)} />}
    </div>
  );
}

/** Adds another selfie of the person: two find more than one. It keeps its place while a search runs. */
export function OneMoreSelfie({ search, busy }: { search: SelfieSearch; busy: boolean }) {
  const [cameraOpen, setCameraOpen] = useState(false);
  const add = (picture: Blob) => void search.addSelfie(picture);
  const given = search.selfies.length;
  return (
    <div class="one-more">
      {cameraMayBeAsked() ? (
        <Button look="plain" icon="camera" disabled={busy || !search.mayAdd} onClick={() => setCameraOpen(true)}>
          {ONE_MORE}
        </Button>
      ) : (
        <FileButton
          look="plain"
          icon="camera"
          accept="image/*"
          capture="user"
          onFiles={(files) => !busy && files?.[0] && add(files[0])}
        >
          {ONE_MORE}
        </FileButton>
      )}
      <p class="faint">{given > 1 ? `Searched with ${given} selfies.` : 'A second selfie finds more photos.'}</p>
      {cameraOpen && <CameraDialog side onPicture={add} onClose={() => setCameraOpen(false)} />}
    </div>
  );
}
