import { useEffect, useRef, useState } from 'preact/hooks';
import { Button } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';

/** Whether this page may use the camera: browsers allow it only over HTTPS and on localhost. */
export const cameraMayBeAsked = () => window.isSecureContext && 'mediaDevices' in navigator;

/**
 * The front camera, mirrored as people know themselves; the photo taken is not mirrored. The camera turns off when the
 * dialog closes.
 */
export function CameraDialog({ onPicture, onClose, side = false }: CameraDialogProps) {
  const video = useRef<HTMLVideoElement>(null);
  const [ready, setReady] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    let stream: MediaStream | undefined;
    let gone = false;
    navigator.mediaDevices
      .getUserMedia({ video: { facingMode: 'user', width: { ideal: 1280 }, height: { ideal: 960 } }, audio: false })
      .then((opened) => {
        stream = opened;
        if (gone || !video.current) return switchOff(stream);
        video.current.srcObject = stream;
      })
      .catch((error: Error) => setProblem(cameraProblem(error)));
    return () => {
      gone = true;
      switchOff(stream);
    };
  }, []);
  const take = async () => {
    if (!video.current) return;
    onPicture(await pictureOf(video.current));
    onClose();
  };
  return (
    <Dialog title={side ? ONE_MORE : 'Take a selfie'} onClose={onClose}>
      <div class="camera">
        {problem ? (
          <p class="camera-problem">{problem}</p>
        ) : (
          <video ref={video} autoPlay playsInline muted onPlaying={() => setReady(true)} />
        )}
      </div>
      <p class="faint">
        {side
          ? 'Turn your head slightly to one side; keep both eyes visible.'
          : 'One face, looking at the camera, with light from the front.'}
      </p>
      <footer>
        <Button onClick={onClose}>Cancel</Button>
        <Button look="primary" icon="camera" disabled={!ready} onClick={() => void take()}>
          Take photo
        </Button>
      </footer>
    </Dialog>
  );
}

interface CameraDialogProps {
  onPicture: (picture: Blob) => void;
  onClose: () => void;
  /** Another selfie, from the side. */
  side?: boolean;
}

export const ONE_MORE = 'One more, from the side';

function switchOff(stream: MediaStream | undefined): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

async function pictureOf(video: HTMLVideoElement): Promise<Blob> {
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext('2d')?.drawImage(video, 0, 0);
  const picture = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.92));
  if (!picture) throw new Error('The camera returned no photo.');
  return picture;
}

function cameraProblem(error: Error): string {
  if (error.name === 'NotAllowedError')
    return 'The browser blocks the camera for this page. Allow it in the address bar, or choose a photo instead.';
  if (error.name === 'NotFoundError') return 'No camera found. Choose a photo instead.';
  return `The camera did not start: ${error.message}`;
}
