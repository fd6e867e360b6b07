import { useState } from 'preact/hooks';
import { Button, FileButton } from '../parts/button.tsx';
import { CameraDialog, cameraMayBeAsked } from './camera.tsx';

/**
 * Two ways to give a selfie: the camera, and a file. Where the page may not use the camera itself, a phone's own camera
 * app is asked.
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
        Choose a picture
      </FileButton>
      {cameraOpen && <CameraDialog onPicture={onSelfie} onClose={() => setCameraOpen(false)} />}
    </div>
  );
}
